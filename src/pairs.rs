//! The ABI's form of header maps: counts, lengths, then NUL-terminated names and values.
//!
//! ```text
//! u32 n · n × (u32 name length · u32 value length) · n × (name NUL value NUL), little-endian
//! ```
//! Names and values are bytes: nothing is decoded. Invariant: a blob that does not add up yields fewer pairs, never a
//! panic.

/// A header's name and value.
pub type Pair<'a> = (&'a [u8], &'a [u8]);

/// The pairs of a blob; `None` if it does not add up.
pub fn parse(blob: &[u8]) -> Option<Vec<Pair<'_>>> {
    parse_into(Vec::new(), blob)
}

/// The same, in the memory of an earlier list.
pub fn parse_into<'a>(spare: Vec<Pair<'static>>, blob: &'a [u8]) -> Option<Vec<Pair<'a>>> {
    let mut pairs = emptied(spare);
    let (count, rest) = split_u32(blob)?;
    let (lengths, mut data) = rest.split_at_checked(count.checked_mul(8)?)?;
    pairs.reserve(count);
    for lengths in lengths.as_chunks::<8>().0 {
        let lengths = u64::from_le_bytes(*lengths);
        let (name, tail) = split_terminated(data, lengths as u32 as usize)?;
        let (value, tail) = split_terminated(tail, (lengths >> 32) as usize)?;
        data = tail;
        pairs.push((name, value));
    }
    Some(pairs)
}

/// The memory of a list, for another one: collecting into the same kind of element takes over what it is collected from.
pub fn emptied<'b>(pairs: Vec<Pair<'_>>) -> Vec<Pair<'b>> {
    pairs.into_iter().map_while(|_| None).collect()
}

/// The blob of some pairs.
pub fn serialize<'a>(pairs: impl Iterator<Item = Pair<'a>> + Clone) -> Vec<u8> {
    let number = |len: usize| u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
    let (count, bytes) = pairs.clone().fold((0, 0), |(count, bytes), it| (count + 1, bytes + it.0.len() + it.1.len()));
    // Lengths and terminators are ten bytes a pair.
    let mut blob = Vec::with_capacity(4 + 10 * count + bytes);
    blob.extend(number(count));
    for (name, value) in pairs.clone() {
        blob.extend(number(name.len()));
        blob.extend(number(value.len()));
    }
    for (name, value) in pairs {
        blob.extend(name);
        blob.push(0);
        blob.extend(value);
        blob.push(0);
    }
    blob
}

fn split_u32(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*head) as usize, rest))
}

fn split_terminated(bytes: &[u8], len: usize) -> Option<(&[u8], &[u8])> {
    let (part, rest) = bytes.split_at_checked(len)?;
    Some((part, rest.strip_prefix(&[0])?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let pairs: Vec<Pair<'_>> = vec![(b":path", b"/"), (b"x", b""), (b"y", b"\xff\0z")];
        assert_eq!(parse(&serialize(pairs.iter().copied())), Some(pairs));
    }

    #[test]
    fn memory_is_used_again() {
        let blob = serialize([(b"name".as_slice(), b"value".as_slice()); 9].into_iter());
        let pairs = parse(&blob).unwrap();
        let place = pairs.as_ptr().cast::<u8>();
        let again = parse_into(emptied(pairs), &blob).unwrap();
        assert_eq!((again.as_ptr().cast(), again.len()), (place, 9));
    }

    #[test]
    fn what_does_not_add_up_is_nothing() {
        let whole = serialize([(b"name".as_slice(), b"value".as_slice())].into_iter());
        for cut in 0..whole.len() {
            assert_eq!(parse(&whole[..cut]), None, "{cut}");
        }
        assert_eq!(parse(&[255; 64]), None);
    }
}
