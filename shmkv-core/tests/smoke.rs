//! Smoke.
use shmkv_core::*;
#[test]
fn smoke() -> Result<(), Error> {
    let name = format!("/smoke-{}", std::process::id());
    let m = StrMap::<10, 64, 256>::create(&name)?;
    assert_eq!(m.insert("a", "b")?, None);
    assert_eq!(m.insert("a", "c")?.as_deref(), Some("b"));
    assert_eq!(m.get("a")?.as_deref(), Some("c"));
    for i in 0..9 {
        m.insert(&format!("k{i}"), "v")?;
    }
    let e = m.insert("x", "y").unwrap_err();
    println!("{e} {:?} {m:?}", m.stats());
    assert!(matches!(e, AccessError::Full { .. }));
    println!("{}", m.get(&"x".repeat(64)).unwrap_err());
    assert_eq!(m.iter().count(), 10);
    let r = ShmReader::<10, 64, 256, ShmStr<64>, ShmStr<256>>::open(&name)?;
    assert_eq!(r.get("k3")?.as_deref(), Some("v"));
    m.retain(|k, _| k.as_str() == "a")?;
    assert_eq!(r.len(), 1);
    println!(
        "{}",
        ShmMap::<20, 64, 256, ShmStr<64>, ShmStr<256>>::open(&name).unwrap_err()
    );
    println!("{}", ShmMap::<10, 64, 256>::open(&name).unwrap_err());
    m.clear()?;
    assert!(r.is_empty());
    assert_eq!(m.check(), vec![]);
    m.destroy()?;
    let big = Map::<100_000, u64, u64>::create_anonymous()?;
    for i in 0..100_000 {
        big.insert(i, i * 2)?;
    }
    assert!(matches!(
        big.insert(100_000, 1),
        Err(AccessError::Full { .. })
    ));
    for i in 0..100_000 {
        assert_eq!(big.get(i)?, Some(i * 2));
    }
    assert_eq!(big.iter().count(), 100_000);
    println!("{:?}", big.stats());
    assert_eq!(big.check(), vec![]);
    for i in 0..100_000 {
        assert_eq!(big.remove(i)?, Some(i * 2));
    }
    println!("{:?}", big.stats());
    Ok(())
}
