//! The first start, the second, and starts that must not be.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use portcullis_control::{Clock, Database, PolicyFile, Server};

use crate::stack::{NOON, ON_POSTGRES, Stack, config};

async fn refusal(change: impl FnOnce(&mut portcullis_control::Config), folder: &Path) -> String {
    let mut config = config(folder).await;
    change(&mut config);
    match Server::open(config, Clock::system()).await {
        Ok(_) => "no refusal".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn the_first_start_makes_secrets_for_the_owner_alone_and_the_second_keeps_them() {
    let stack = Stack::start().await;
    let (admin, edge, public_key) = (stack.admin.clone(), stack.edge.clone(), stack.public_key);
    assert!(admin.starts_with("pca_") && edge.starts_with("pce_"));
    let secrets = ["admin-token", "edge-token", "signing-key", "edge.env"];
    let files: &[&str] = if ON_POSTGRES { &[] } else { &["portcullis.sqlite", "portcullis.sqlite-wal"] };
    for name in secrets.iter().chain(files) {
        let mode = std::fs::metadata(stack.folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let env = std::fs::read_to_string(stack.folder.path().join("edge.env")).unwrap();
    assert_eq!(env, format!("PORTCULLIS_EDGE_TOKEN={edge}\nPORTCULLIS_PUBLIC_KEY={public_key}\n"));
    let stack = Stack::resume(stack.stop().await, NOON).await;
    assert_eq!((&stack.admin, &stack.edge, stack.public_key), (&admin, &edge, public_key));
}

#[tokio::test]
async fn what_cannot_be_used_is_named_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    };
    let exposed = file("exposed", "pca_0123456789012345678901234567\n", 0o644);
    let short = file("short", "pca_123\n", 0o600);
    let nonsense = file("nonsense", "not hex\n", 0o600);
    let data = folder.path().join("data");
    let hint = format!("hint: chmod 600 {}", exposed.display());
    assert!(refusal(|it| it.admin_token_file = Some(exposed), &data).await.contains(&hint));
    assert!(refusal(|it| it.edge_token_file = Some(short), &data).await.contains("at least 24 characters"));
    assert!(refusal(|it| it.signing_key_file = Some(nonsense), &data).await.contains("64 hex digits"));
    assert!(refusal(|it| it.admin_token_file = Some("/nowhere".into()), &data).await.contains("`/nowhere`"));
    let wrong = PolicyFile { name: "wrong.toml".to_owned(), text: "name = 1".to_owned() };
    assert!(refusal(|it| it.policy = Some(wrong), &data).await.starts_with("wrong.toml:1:8: error: "));
    assert!(refusal(|it| it.policy = None, &data).await.contains("hint: give one, --policy FILE"));
}

#[tokio::test]
async fn a_folder_and_an_address_serve_one_control_plane() {
    let stack = Stack::start().await;
    let folder = stack.folder.path().to_owned();
    assert!(refusal(|_| (), &folder).await.contains("another control plane serves the data folder"));
    let other = tempfile::tempdir().unwrap();
    let address = stack.address;
    assert!(refusal(|it| it.listen = address, other.path()).await.contains("hint: is another control plane running"));
}

#[tokio::test]
async fn a_data_folder_that_others_could_read_is_named_for_what_it_is() {
    for name in ["portcullis.sqlite", "portcullis.sqlite-wal", "portcullis.sqlite-shm"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let message = refusal(|it| it.database = Database::InFolder, folder.path()).await;
        let expected = format!("database `{0}` can be read by others\nhint: chmod 600 {0}", path.display());
        assert_eq!(message, expected);
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("lock")).unwrap();
    assert!(refusal(|_| (), folder.path()).await.starts_with("lock file `"));
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let data = file.clone();
    assert!(refusal(|it| it.data = data, folder.path()).await.starts_with("data folder `"));
}

#[tokio::test]
async fn it_does_not_go_on_without_its_publisher() {
    let stack = Stack::start().await;
    stack.break_clock();
    let ended = tokio::time::timeout(std::time::Duration::from_secs(20), stack.ended()).await.unwrap();
    assert!(ended.unwrap_err().to_string().starts_with("the publisher broke off"));
}
