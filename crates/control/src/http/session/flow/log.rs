//! What the audit log says of people who come and go.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Row};

use super::{ADA, Desk, PASSWORD};
use crate::accounts::{self, Password};

impl Desk {
    /// Actor, action and target of every row about sessions, and everything that the log holds.
    async fn log(&self) -> (Vec<String>, String) {
        let file = self.folder.path().join("portcullis.sqlite");
        let mut connection = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
        let rows = sqlx::query("SELECT * FROM audit ORDER BY id").fetch_all(&mut connection).await.unwrap();
        let text = |row: &sqlx::sqlite::SqliteRow, column: &str| {
            row.try_get::<Option<String>, _>(column).unwrap().unwrap_or_default()
        };
        let columns =
            ["actor_kind", "actor_name", "action", "target_name", "address", "request_id", "detail", "target_id"];
        let all =
            rows.iter().map(|row| columns.map(|column| text(row, column)).join(" ")).collect::<Vec<_>>().join("\n");
        let line = |row| ["actor_kind", "actor_name", "action", "target_name"].map(|it| text(row, it)).join(" ");
        let about_sessions = |line: &String| line.contains(" session.");
        (rows.iter().map(line).filter(about_sessions).collect(), all)
    }
}

#[tokio::test]
async fn coming_failing_and_going_are_written_down_and_no_secret() {
    let desk = Desk::with_ada(None).await;
    let attempt = async |email: &str, password: &str| {
        accounts::sign_in(&desk.app, &desk.visitor(), email, &Password::typed(password), "test").await
    };
    for _ in 0..3 {
        attempt(ADA, "wrong horse battery").await.unwrap_err();
    }
    while !desk.log().await.1.contains("session.refused") {
        tokio::task::yield_now().await;
    }
    attempt("nobody@example.com", PASSWORD).await.unwrap_err();
    attempt("my secret phrase", PASSWORD).await.unwrap_err();
    attempt("sk_0123456789abcdefghijklmn@example.com", PASSWORD).await.unwrap_err();
    let started = attempt(" Ada@Example.com ", PASSWORD).await.unwrap();
    accounts::sign_out(&desk.app, &started.caller).await.unwrap();
    let (lines, all) = desk.log().await;
    assert_eq!(
        lines,
        [
            "visitor  session.refused ada@example.com",
            "user ada@example.com session.started ada@example.com",
            "user ada@example.com session.ended ada@example.com",
        ]
    );
    for counted in ["{\"attempts\":1}", "{\"refused_before\":2}"] {
        assert!(all.contains(counted), "{all}");
    }
    for secret in [PASSWORD, "wrong horse", "my secret", "sk_0123", started.cookie.expose(), &desk.link] {
        assert!(!all.contains(secret), "{secret}");
    }
}
