//! Scopes in words, for people who are asked.

/// What a scope allows: `Read skills`. Whether who may write may read, the policy says.
pub(crate) fn in_words(scope: &str, write_implies_read: bool) -> String {
    let (resource, action) = scope.rsplit_once(':').unwrap_or((scope, ""));
    let resource = plain(resource);
    match action {
        "read" | "list" | "view" => format!("Read {resource}"),
        "write" if write_implies_read => format!("Read and change {resource}"),
        "write" => format!("Change {resource}"),
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
            assert_eq!(in_words(scope, true), expected);
        }
        assert_eq!(in_words("skills:write", false), "Change skills");
    }
}
