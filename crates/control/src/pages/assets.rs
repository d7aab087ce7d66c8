//! `GET /assets/{name}`: the files that pages refer to, in the binary.

/// One file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asset {
    pub(crate) content_type: &'static str,
    pub(crate) body: &'static [u8],
}

/// The file of that name.
pub(crate) fn find(name: &str) -> Option<Asset> {
    let (content_type, body): (_, &[u8]) = match name {
        "portcullis.css" => ("text/css; charset=utf-8", include_bytes!("../../assets/portcullis.css")),
        "portcullis.js" => ("text/javascript; charset=utf-8", include_bytes!("../../assets/portcullis.js")),
        "favicon.svg" => ("image/svg+xml", include_bytes!("../../assets/favicon.svg")),
        "teeth.svg" => ("image/svg+xml", include_bytes!("../../assets/teeth.svg")),
        _ => return None,
    };
    Some(Asset { content_type, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_pages_name_is_here() {
        let css = String::from_utf8_lossy(find("portcullis.css").unwrap().body).into_owned();
        let named = css.split("/assets/").skip(1).filter_map(|rest| rest.split('"').next());
        for name in named.chain(["portcullis.js", "favicon.svg"]) {
            let asset = find(name).unwrap_or_else(|| panic!("{name}"));
            let kind = if name.ends_with("svg") { "image/svg+xml" } else { "charset=utf-8" };
            assert!(asset.content_type.ends_with(kind) && !asset.body.is_empty(), "{name}");
        }
        assert!(find("../Cargo.toml").is_none());
    }
}
