//! The reading operations, each compared with the model.

use std::collections::HashMap;

use proptest::prop_assert_eq;

use super::step::Key;
use super::subject::{Outcome, Subject, failed};

impl<const N: usize, const K: usize, const V: usize> Subject<'_, N, K, V> {
    pub(crate) fn get(&self, index: usize) -> Outcome {
        let key = Self::key(index);
        let expected = self.expected(index);
        prop_assert_eq!(self.map().get(key).map_err(failed)?, expected);
        prop_assert_eq!(self.reader.get(key).map_err(failed)?, expected);
        let there = self.reader.contains_key(key).map_err(failed)?;
        prop_assert_eq!(there, expected.is_some());
        let prepared = self.reader.prepare(key).map_err(failed)?;
        prop_assert_eq!(prepared.get().map_err(failed)?, expected);
        prop_assert_eq!(prepared.is_present().map_err(failed)?, expected.is_some());
        let again = prepared.get_versioned().map_err(failed)?;
        let again = again.map(|seen| (seen.value, seen.version));
        prop_assert_eq!(again, self.model.get(&index).copied());
        let seen = self.map().get_versioned(key).map_err(failed)?;
        let seen = seen.map(|seen| (seen.value, seen.version));
        prop_assert_eq!(seen, self.model.get(&index).copied());
        Ok(())
    }

    pub(crate) fn get_many(&self, keys: [Key; 5]) -> Outcome {
        let indices = keys.map(Self::index);
        let found = self.map().get_many(indices.map(Self::key));
        let expected = indices.map(|index| self.expected(index));
        prop_assert_eq!(found.map_err(failed)?, expected);
        // More keys than a batch prefetches at once.
        let many: Vec<_> = (0..45).map(|i| Self::key(indices[i % 5])).collect();
        let mut values = vec![None; 3];
        self.reader
            .get_many_into(&many, &mut values)
            .map_err(failed)?;
        prop_assert_eq!(values, expected.repeat(9));
        Ok(())
    }

    /// Iterates over the entries, the keys and the values: each comes once.
    pub(crate) fn iterate(&self) -> Outcome {
        let expected = self.entries();
        let entries: Vec<_> = self
            .reader
            .iter()
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        prop_assert_eq!(entries.len(), expected.len());
        let found: HashMap<_, _> = entries.into_iter().collect();
        prop_assert_eq!(&found, &expected);
        let mut keys: Vec<_> = self
            .map()
            .keys()
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        let mut values: Vec<_> = self
            .map()
            .values()
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        let (mut all_keys, mut all_values): (Vec<_>, Vec<_>) = expected.into_iter().unzip();
        keys.sort_unstable();
        all_keys.sort_unstable();
        prop_assert_eq!(keys, all_keys);
        values.sort_unstable();
        all_values.sort_unstable();
        prop_assert_eq!(values, all_values);
        Ok(())
    }
}
