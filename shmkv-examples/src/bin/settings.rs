//! The first program of the README, as it stands there: `tests/readme.rs` compares the two.
//!
//! With an argument it writes, without one it reads. The map stays when the program ends.
use shmkv_core::{Error, StrMap};

// At most 10 entries: keys of up to 63 bytes, values of up to 255.
type Settings = StrMap<10, 64, 256>;

fn main() -> Result<(), Error> {
    if let Some(unit) = std::env::args().nth(1) {
        let settings = Settings::open_or_create("/shmkv-settings")?;
        println!("replaced {:?}", settings.insert("unit", unit)?);
    } else {
        let settings = Settings::open_read_only("/shmkv-settings")?;
        println!("{:?}", settings.get("unit")?);
    }
    Ok(())
}
