//! Runs a sequence of steps on the map and its model.

use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::test_runner::TestCaseError;

use super::step::{Key, Seed, Step};
use super::subject::{Outcome, Subject, failed};

impl<const N: usize, const K: usize, const V: usize> Subject<'_, N, K, V> {
    pub(crate) fn run(mut self, steps: &[Step]) -> Outcome {
        for step in steps {
            let changes = self.step(step)?;
            let version = self.reader.version();
            match changes {
                Some(true) => prop_assert!(version > self.version, "{version} after a change"),
                Some(false) => prop_assert_eq!(version, self.version, "no change"),
                None => prop_assert!(version >= self.version),
            }
            self.version = version;
            self.steps += 1;
            prop_assert_eq!(self.map().len(), self.model.len());
            prop_assert_eq!(self.reader.is_empty(), self.model.is_empty());
            if self.steps.is_multiple_of(Self::CHECKED_EVERY) {
                prop_assert_eq!(self.reader.check(), vec![]);
            }
        }
        prop_assert_eq!(self.map().capacity(), N);
        prop_assert_eq!(self.reader.check(), vec![]);
        self.iterate()
    }

    /// Runs one step. Returns whether it changed the map, or `None` if the map's version may grow without a
    /// change.
    fn step(&mut self, step: &Step) -> Result<Option<bool>, TestCaseError> {
        let before = self.model.len();
        match *step {
            Step::Insert(key, seed) => self.insert(Self::index(key), seed).map(Some),
            Step::Set(key, seed) => self.set(Self::index(key), seed).map(Some),
            Step::TryInsert(key, seed) => self.try_insert(Self::index(key), seed).map(Some),
            Step::Replace(key, seed) => self.replace(Self::index(key), seed).map(Some),
            Step::CompareExchange(key, expects, seed) => self
                .compare_exchange(Self::index(key), expects, seed)
                .map(Some),
            Step::Update(key, seed) => self.update(Self::index(key), seed).map(Some),
            Step::GetOrInsertWith(key, seed) => {
                self.get_or_insert_with(Self::index(key), seed).map(Some)
            }
            Step::Remove(key) => self.remove(Self::index(key)).map(Some),
            Step::RemoveIf(key, remove) => self.remove_if(Self::index(key), remove).map(Some),
            Step::Reinsert(key, seed) => {
                let index = Self::index(key);
                let removed = self.remove(index)?;
                Ok(Some(self.insert(index, seed)? || removed))
            }
            Step::Get(key) => self.get(Self::index(key)).map(|()| Some(false)),
            Step::GetMany(keys) => self.get_many(keys).map(|()| Some(false)),
            Step::Iterate => self.iterate().map(|()| Some(false)),
            Step::Retain(divisor) => {
                self.retain(usize::from(divisor))?;
                Ok(Some(self.model.len() != before))
            }
            Step::Clear => {
                self.map().clear().map_err(failed)?;
                self.model.clear();
                Ok((before > 0).then_some(true))
            }
            Step::Fill(key, share) => {
                let mut changed = false;
                for index in Self::range(key, share) {
                    changed |= self.insert(index, index as Seed)?;
                }
                Ok(Some(changed))
            }
            Step::Drain(key, share) => {
                for index in Self::range(key, share) {
                    self.remove(index)?;
                }
                Ok(Some(self.model.len() != before))
            }
        }
    }

    /// A share, in 256ths, of all keys, starting with `from`.
    fn range(from: Key, share: u8) -> impl Iterator<Item = usize> {
        let many = 1 + Self::KEYS * usize::from(share) / 256;
        (0..many).map(move |i| (Self::index(from) + i) % Self::KEYS)
    }
}
