//! Inputs of the harnesses: fields one after the other. An input that is too short
//! reads as if zeros followed.

/// Reads the fields of an input.
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or(0)
    }

    pub(crate) fn number(&mut self) -> usize {
        usize::from(u16::from_le_bytes([self.byte(), self.byte()]))
    }

    pub(crate) fn word(&mut self) -> [u8; 8] {
        std::array::from_fn(|_| self.byte())
    }

    /// A length of two bytes and so many bytes, or all that are left.
    pub(crate) fn bytes(&mut self) -> &'a [u8] {
        let len = self.number().min(self.0.len());
        self.0.split_off(..len).unwrap_or_default()
    }

    /// The same as text, without NULs and with invalid UTF-8 replaced.
    pub(crate) fn text(&mut self) -> String {
        let bytes = self.bytes();
        String::from_utf8_lossy(bytes).replace('\0', "")
    }
}

/// Writes the fields of an input.
#[derive(Default)]
pub(crate) struct Output(pub(crate) Vec<u8>);

impl Output {
    pub(crate) fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    pub(crate) fn number(mut self, number: usize) -> Self {
        let number = u16::try_from(number).expect("a small number");
        self.0.extend(number.to_le_bytes());
        self
    }

    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self = self.number(bytes.len());
        self.0.extend(bytes);
        self
    }

    pub(crate) fn rest(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }
}
