//! `GET /assets/{name}`: the files that pages refer to, in the binary.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// One file.
#[derive(Clone, Debug)]
pub(crate) struct Asset {
    name: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) body: &'static [u8],
    /// Changes when the file does.
    pub(crate) digest: String,
}

/// Digest characters in an address: enough to tell releases apart.
const DIGEST_LENGTH: usize = 16;

/// BLAKE2b as its package has it, in what a browser needs around it: the package is written for `require`.
const BLAKE2B: &str = concat!(
    "const blake2b = (() => {\nconst require = () => {\nconst module = {};\n",
    include_str!("../../assets/vendor/blakejs/util.js"),
    "return module.exports;\n};\nconst module = {};\n",
    include_str!("../../assets/vendor/blakejs/blake2b.js"),
    "return module.exports.blake2b;\n})();\n",
);

static ALL: LazyLock<[Asset; 7]> = LazyLock::new(|| {
    let asset = |(name, content_type, body): (_, _, &'static [u8])| {
        let mut digest = hex::encode(Sha256::digest(body));
        digest.truncate(DIGEST_LENGTH);
        Asset { name, content_type, body, digest }
    };
    [
        ("portcullis.css", "text/css; charset=utf-8", include_bytes!("../../assets/portcullis.css").as_slice()),
        ("portcullis.js", "text/javascript; charset=utf-8", include_bytes!("../../assets/portcullis.js").as_slice()),
        ("seal.js", "text/javascript; charset=utf-8", include_bytes!("../../assets/seal.js").as_slice()),
        (
            "nacl.js",
            "text/javascript; charset=utf-8",
            include_bytes!("../../assets/vendor/tweetnacl/nacl-fast.min.js").as_slice(),
        ),
        ("blake2b.js", "text/javascript; charset=utf-8", BLAKE2B.as_bytes()),
        ("favicon.svg", "image/svg+xml", include_bytes!("../../assets/favicon.svg").as_slice()),
        ("teeth.svg", "image/svg+xml", include_bytes!("../../assets/teeth.svg").as_slice()),
    ]
    .map(asset)
});

/// The file of that name.
pub(crate) fn find(name: &str) -> Option<&'static Asset> {
    ALL.iter().find(|asset| asset.name == name)
}

/// Its address, another one in each release that changes it.
pub(crate) fn href(name: &str) -> String {
    let digest = find(name).map(|asset| asset.digest.as_str()).unwrap_or_default();
    format!("/assets/{name}?v={digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_pages_name_is_here() {
        let css = String::from_utf8_lossy(find("portcullis.css").unwrap().body).into_owned();
        let named = css.split("/assets/").skip(1).filter_map(|rest| rest.split('"').next());
        for name in named.chain(["portcullis.js", "seal.js", "nacl.js", "blake2b.js", "favicon.svg"]) {
            let asset = find(name).unwrap_or_else(|| panic!("{name}"));
            let kind = if name.ends_with("svg") { "image/svg+xml" } else { "charset=utf-8" };
            assert!(asset.content_type.ends_with(kind) && !asset.body.is_empty(), "{name}");
            assert!(href(name).ends_with(&asset.digest) && asset.digest.len() == DIGEST_LENGTH, "{name}");
        }
        assert!(find("../Cargo.toml").is_none());
    }
}
