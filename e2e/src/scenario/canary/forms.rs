//! A value in all the spellings in which it could get away.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// The spellings of a value. Each is long enough not to be there by chance.
pub(in crate::scenario) fn forms(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
    let mut forms = vec![
        value.to_owned(),
        escaped(value, false),
        escaped(value, true),
        hex.to_uppercase(),
        hex,
        numbers.join(", "),
        numbers.join(","),
    ];
    forms.extend((0..3).map(|offset| base64_at(bytes, offset)));
    forms.extend((0..3).map(|offset| base64_at(bytes, offset).replace('+', "-").replace('/', "_")));
    forms
}

/// The letters that a value is in base64 if it begins at that offset, without those at its ends that depend on its neighbours.
fn base64_at(value: &[u8], offset: usize) -> String {
    let text = STANDARD_NO_PAD.encode([&vec![0; offset], value].concat());
    let from = if offset == 0 { 0 } else { offset + 1 };
    let to = (offset + value.len()) * 8 / 6;
    text.get(from..to).unwrap_or_default().to_owned()
}

fn escaped(value: &str, lower: bool) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ if lower => format!("%{byte:02x}"),
        _ => format!("%{byte:02X}"),
    };
    value.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn a_value_is_found_wherever_it_stands() {
        let value = "canary-+/=?42 value";
        for before in 0..4 {
            for after in 0..4 {
                let text = [&vec![b'<'; before], value.as_bytes(), &vec![b'>'; after]].concat();
                let text = STANDARD.encode(text);
                assert!(forms(value).iter().any(|form| text.contains(form)), "{before} {after} {text}");
            }
        }
        assert!(forms(value).iter().all(|form| form.len() >= value.len()), "{:?}", forms(value));
        assert!(forms(value).contains(&"canary-%2b%2f%3d%3f42%20value".to_owned()));
    }
}
