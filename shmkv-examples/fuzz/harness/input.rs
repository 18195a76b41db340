//! Inputs: fields one after the other, and zeros where the bytes have ended.

/// Takes an input apart from the front.
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

    /// As many bytes as a number of two bytes says, or all that are left.
    pub(crate) fn bytes(&mut self) -> &'a [u8] {
        let len = self.number().min(self.0.len());
        self.0.split_off(..len).unwrap_or_default()
    }

    /// The same as text, without what is not UTF-8.
    pub(crate) fn text(&mut self) -> String {
        let bytes = self.bytes();
        String::from_utf8_lossy(bytes).replace('\0', "")
    }
}

/// Puts an input together.
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
