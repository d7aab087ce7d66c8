//! `portcullis bundle`: bundle files, for static mode and for deciding offline.

use std::path::{Path, PathBuf};

use portcullis_bundle::{Archive, ArchiveError, BlobRef, PublicKey};
use portcullis_sdk::{Client, Token};
use serde_json::json;

use crate::args::Output;
use crate::exit::{Exit, Failure, is_unauthorized};
use crate::output;
use crate::table::Table;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Say what is in a bundle file.
    Inspect(File),
    /// Check a bundle file's signature and every digest; exit code 3 if it is not to be trusted.
    Verify(File),
    /// Fetch the current bundle from a control plane into a file.
    Export(Export),
}

#[derive(Debug, clap::Args)]
pub(crate) struct File {
    /// The bundle file.
    file: PathBuf,
    #[command(flatten)]
    keys: TrustedKeys,
    #[command(flatten)]
    output: Output,
}

/// Who may have signed a bundle.
#[derive(Debug, clap::Args)]
pub(crate) struct TrustedKeys {
    /// The control plane's Ed25519 public key, as edge.env has it. Repeat it to trust more than one.
    #[arg(long, value_name = "HEX", env = "PORTCULLIS_PUBLIC_KEY", value_delimiter = ',')]
    public_key: Vec<PublicKey>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// Where to write it.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The control plane's address.
    #[arg(long, value_name = "URL", env = "PORTCULLIS_URL", default_value = "http://127.0.0.1:8080")]
    control: String,
    /// The edges' token, as edge.env has it. Better in the environment: command lines are seen by others.
    #[arg(long, value_name = "TOKEN", env = "PORTCULLIS_EDGE_TOKEN", hide_env_values = true)]
    edge_token: String,
}

/// Runs one of them.
pub(crate) fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Inspect(args) => inspect(&args),
        Command::Verify(args) => verify(&args),
        Command::Export(args) => export(args),
    }
}

impl TrustedKeys {
    /// Opens a bundle file if one of these keys signed it.
    pub(crate) fn open(&self, file: &Path) -> Result<Archive, Failure> {
        self.examine(file)?.map_err(Failure::unable)
    }

    /// The file's bundle, or why it is not to be trusted; it fails where that cannot be told.
    fn examine(&self, file: &Path) -> Result<Result<Archive, String>, Failure> {
        if self.public_key.is_empty() {
            let hint = "hint: --public-key, or PORTCULLIS_PUBLIC_KEY as in the control plane's edge.env";
            return Err(Failure::usage(format!("no public key given to verify the bundle with\n{hint}")));
        }
        let unreadable = |error| Failure::unable(format!("cannot read `{}`: {error}", file.display()));
        let bytes = std::fs::read(file).map_err(unreadable)?;
        let untrusted = |error: ArchiveError| format!("`{}`: {error}", file.display());
        Ok(Archive::open(&bytes, &self.public_key).map_err(untrusted))
    }
}

fn verify(args: &File) -> Result<Exit, Failure> {
    let archive = args.keys.examine(&args.file)?.map_err(Failure::no)?;
    let version = archive.manifest().version;
    if args.output.json {
        output::json(&json!({ "valid": true, "version": version }))?;
    } else {
        output::data(&format!("{}: ok, version {version}", args.file.display()));
    }
    Ok(Exit::Success)
}

fn inspect(args: &File) -> Result<Exit, Failure> {
    let archive = args.keys.open(&args.file)?;
    let manifest = archive.manifest();
    if args.output.json {
        output::json(&json!({ "policy": archive.policy().name(), "manifest": manifest }))?;
        return Ok(Exit::Success);
    }
    let issued_at = i64::try_from(manifest.issued_at).ok().and_then(|at| jiff::Timestamp::from_second(at).ok());
    let size = |blobs: &[BlobRef]| format!("{} ({} bytes)", blobs.len(), blobs.iter().map(|it| it.size).sum::<u64>());
    let mut table = Table::pairs();
    let mut pair = |name: &str, value: String| table.row([name.to_owned(), value]);
    pair("version", manifest.version.to_string());
    pair("issued", issued_at.map_or_else(|| manifest.issued_at.to_string(), |at| at.to_string()));
    pair("policy", format!("{}, {} rules", archive.policy().name(), archive.policy().rules().len()));
    pair("policy digest", manifest.policy.digest.to_string());
    pair("keys", manifest.key_count.to_string());
    pair("key shards", size(&manifest.keys));
    pair("organization shards", size(&manifest.organizations));
    output::data(&table.to_string());
    Ok(Exit::Success)
}

fn export(args: Export) -> Result<Exit, Failure> {
    let client = Client::new(&args.control, Token::new(&args.edge_token))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let bytes = runtime.block_on(client.fetch_bundle()).map_err(refused)?;
    let unwritable = |error| Failure::unable(format!("cannot write `{}`: {error}", args.out.display()));
    std::fs::write(&args.out, &bytes).map_err(unwritable)?;
    output::talk(&format!("wrote {} bytes to {}", bytes.len(), args.out.display()));
    Ok(Exit::Success)
}

/// A wrong token is the edges' here, not the administrator's.
fn refused(error: portcullis_sdk::Error) -> Failure {
    if is_unauthorized(&error) {
        return Failure::unable(
            "the control plane refused the edges' token\nhint: the edges' token is in DATA/edge.env",
        );
    }
    Failure::from(error)
}
