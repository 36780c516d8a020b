//! Queries of `files.list`, as far as they are known here:
//! <https://developers.google.com/workspace/drive/api/guides/search-files>.

/// One condition; all must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Term {
    Name(String),
    MimeType(String),
    In(String),
    Trashed(bool),
    AppProperty(String, String),
}

/// A word, a sign or a text of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

/// The conditions of a query; `None` if it is none that is known here.
pub(crate) fn parse(query: &str) -> Option<Vec<Term>> {
    let tokens = tokens(query)?;
    let mut rest = tokens.as_slice();
    let mut terms = Vec::new();
    loop {
        let (term, after) = term(rest)?;
        terms.push(term);
        match after {
            [] => return Some(terms),
            [Token::Word(and), after @ ..] if and == "and" => rest = after,
            _ => return None,
        }
    }
}

fn term(tokens: &[Token]) -> Option<(Term, &[Token])> {
    use Token::{Sign, Text, Word};
    let is = |token: &Token, word: &str| matches!(token, Word(known) if known == word);
    Some(match tokens {
        [name, Sign('='), Text(text), rest @ ..] if is(name, "name") => (Term::Name(text.clone()), rest),
        [name, Sign('='), Text(text), rest @ ..] if is(name, "mimeType") => (Term::MimeType(text.clone()), rest),
        [name, Sign('='), Word(truth), rest @ ..] if is(name, "trashed") => (Term::Trashed(truth.parse().ok()?), rest),
        [Text(text), within, parents, rest @ ..] if is(within, "in") && is(parents, "parents") => {
            (Term::In(text.clone()), rest)
        }
        [
            name,
            has,
            Sign('{'),
            key,
            Sign('='),
            Text(text),
            and,
            value,
            Sign('='),
            Text(wanted),
            Sign('}'),
            rest @ ..,
        ] if is(name, "appProperties") && is(has, "has") && is(key, "key") && is(and, "and") && is(value, "value") => {
            (Term::AppProperty(text.clone(), wanted.clone()), rest)
        }
        _ => return None,
    })
}

fn tokens(query: &str) -> Option<Vec<Token>> {
    let (mut tokens, mut characters) = (Vec::new(), query.chars().peekable());
    while let Some(first) = characters.next() {
        match first {
            ' ' => {}
            '=' | '{' | '}' => tokens.push(Token::Sign(first)),
            '\'' => {
                let mut text = String::new();
                loop {
                    match characters.next()? {
                        '\'' => break,
                        '\\' => text.push(characters.next().filter(|escaped| matches!(escaped, '\'' | '\\'))?),
                        other => text.push(other),
                    }
                }
                tokens.push(Token::Text(text));
            }
            _ if first.is_ascii_alphabetic() => {
                let mut word = String::from(first);
                while let Some(next) = characters.next_if(char::is_ascii_alphanumeric) {
                    word.push(next);
                }
                tokens.push(Token::Word(word));
            }
            _ => return None,
        }
    }
    Some(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_drover_asks_is_understood() {
        assert_eq!(
            parse(r"name = 'it\'s a \\' and mimeType = 'a/b' and 'root' in parents and trashed = false"),
            Some(vec![
                Term::Name(r"it's a \".to_owned()),
                Term::MimeType("a/b".to_owned()),
                Term::In("root".to_owned()),
                Term::Trashed(false),
            ])
        );
        assert_eq!(
            parse("appProperties has { key='a' and value='b' }"),
            Some(vec![Term::AppProperty("a".to_owned(), "b".to_owned())])
        );
    }

    #[test]
    fn what_is_no_query_is_refused() {
        for wrong in [
            "",
            "name",
            "name = 'a",
            "name = a",
            "name = 'it's'",
            "name = 'a' or trashed = true",
            "name = 'a' and",
            r"name = 'a\n'",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
