//! The wire form of header lists: `u32 n`, then `n` pairs of lengths, then `name\0value\0`, little endian.
//!
//! The reader takes exactly what Envoy's takes: anything else, one byte too many included, reads as an empty list.

/// Names and values, in order.
pub(crate) type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// Envoy refuses larger lists (`limits.h`).
const MAX_BYTES: usize = 1024 * 1024;
const MAX_PAIRS: usize = 1024;

/// Writes `pairs` as the host hands them to a guest.
pub(crate) fn write<'a>(pairs: impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone) -> Vec<u8> {
    let mut out = length(pairs.clone().count()).to_vec();
    for (name, value) in pairs.clone() {
        out.extend(length(name.len()));
        out.extend(length(value.len()));
    }
    for (name, value) in pairs {
        out.extend(name);
        out.push(0);
        out.extend(value);
        out.push(0);
    }
    out
}

/// Reads what a guest handed over; malformed input is an empty list.
pub(crate) fn read(bytes: &[u8]) -> Pairs {
    if bytes.len() > MAX_BYTES {
        return Pairs::new();
    }
    try_read(bytes).unwrap_or_default()
}

fn try_read(mut bytes: &[u8]) -> Option<Pairs> {
    let count = take_length(&mut bytes)?;
    if count > MAX_PAIRS {
        return None;
    }
    let mut lengths = Vec::with_capacity(count);
    for _ in 0..count {
        lengths.push((take_length(&mut bytes)?, take_length(&mut bytes)?));
    }
    let mut pairs = Pairs::with_capacity(count);
    for (name, value) in lengths {
        pairs.push((take_text(&mut bytes, name)?, take_text(&mut bytes, value)?));
    }
    bytes.is_empty().then_some(pairs)
}

fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

fn take_length(bytes: &mut &[u8]) -> Option<usize> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    usize::try_from(u32::from_le_bytes(*head)).ok()
}

fn take_text(bytes: &mut &[u8], length: usize) -> Option<Vec<u8>> {
    let (text, rest) = bytes.split_at_checked(length)?;
    let (zero, rest) = rest.split_first()?;
    *bytes = rest;
    (*zero == 0).then(|| text.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_survives_the_round_trip_and_nothing_else_does() {
        let pairs = [(&b":path"[..], &b"/"[..]), (b"empty", b""), (b"raw", b"\xff\0x")];
        let good = write(pairs.iter().copied());
        let expected: Pairs = pairs.iter().map(|(n, v)| (n.to_vec(), v.to_vec())).collect();
        assert_eq!(read(&good), expected);

        let long = [&good[..], b"\0"].concat();
        let mut unterminated = good.clone();
        *unterminated.last_mut().unwrap() = b'!';
        let crowded = write((0..1025).map(|_| (&b"a"[..], &b"b"[..])));
        let huge = write([(&b"a"[..], &vec![b'b'; MAX_BYTES][..])].into_iter());
        for bad in [&b""[..], &good[..good.len() - 1], &long, &unterminated, &crowded, &huge, b"\xff\xff\xff\xff"] {
            assert_eq!(read(bad), Pairs::new(), "{} bytes", bad.len());
        }
    }
}
