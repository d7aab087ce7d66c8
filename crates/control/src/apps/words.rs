//! Scopes in words, for people who are asked.

/// What a scope allows: `Read skills`.
pub(crate) fn in_words(scope: &str) -> String {
    let (resource, action) = scope.rsplit_once(':').unwrap_or((scope, ""));
    let resource = plain(resource);
    match action {
        "read" | "list" | "view" => format!("Read {resource}"),
        "write" => format!("Read and change {resource}"),
        "create" => format!("Create {resource}"),
        "update" | "edit" => format!("Change {resource}"),
        "delete" => format!("Delete {resource}"),
        "*" => format!("Do everything with {resource}"),
        "" => format!("Use {resource}"),
        other => {
            let verb = plain(other);
            let mut letters = verb.chars();
            let first = letters.next().map(|it| it.to_uppercase().collect::<String>()).unwrap_or_default();
            format!("{first}{} {resource}", letters.as_str())
        }
    }
}

fn plain(word: &str) -> String {
    word.replace(['-', '_', '.'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_said_in_words() {
        for (scope, expected) in [
            ("skills:read", "Read skills"),
            ("skills:write", "Read and change skills"),
            ("api-keys:delete", "Delete api keys"),
            ("models:*", "Do everything with models"),
            ("refunds:approve", "Approve refunds"),
            ("admin", "Use admin"),
        ] {
            assert_eq!(in_words(scope), expected);
        }
    }
}
