//! From the text of a path to its steps.

use regex::RegexBuilder;
use serde_json::Value;

use super::filter::{Filter, FilterPath, Operand, Operator};
use super::function::Function;
use super::{Path, PathRoot, PathSyntaxError, Step, Steps};

/// How deep filters may nest: parentheses, `!` and filters inside filters.
const NESTING_MAX: usize = 64;

pub(super) fn path(text: &str) -> Result<Path, PathSyntaxError> {
    let mut parser = Parser { text, at: 0, nesting: 0 };
    let root = parser.root()?;
    let steps = parser.steps(false)?;
    // Jayway trims a path: published definitions have blanks behind theirs.
    parser.skip_blanks();
    if parser.at < text.len() {
        return Err(parser.unexpected());
    }
    Ok(Path { text: text.into(), root, steps })
}

/// Whether a character may start the name of a variable.
pub(crate) fn starts_name(character: char) -> bool {
    character.is_alphabetic() || character == '_'
}

/// Whether a character may continue the name of a variable.
pub(crate) fn continues_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

struct Parser<'t> {
    text: &'t str,
    /// In bytes.
    at: usize,
    nesting: usize,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn skip_blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches(' ').len();
    }

    /// The characters from here on that fit, which are consumed.
    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|character| !fits(character)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    fn error(&self, message: impl Into<String>) -> PathSyntaxError {
        PathSyntaxError { message: message.into() }
    }

    fn unexpected(&self) -> PathSyntaxError {
        let position = self.text[..self.at].chars().count();
        match self.peek() {
            Some(character) => {
                self.error(format!("unexpected character '{character}' at position {position}"))
            }
            None => self.error("the path ends unexpectedly"),
        }
    }

    fn expect(&mut self, token: &str) -> Result<(), PathSyntaxError> {
        if self.eat(token) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn root(&mut self) -> Result<PathRoot, PathSyntaxError> {
        if !self.eat("$") {
            return Err(self.error("a path starts with '$'"));
        }
        if self.eat("$") {
            return Ok(PathRoot::Context);
        }
        if !self.peek().is_some_and(starts_name) {
            return Ok(PathRoot::Input);
        }
        Ok(PathRoot::Variable(self.take_while(continues_name).into()))
    }

    /// The steps from here on; inside a filter they end before an operator.
    fn steps(&mut self, in_filter: bool) -> Result<Steps, PathSyntaxError> {
        let mut steps = Vec::new();
        loop {
            if self.eat("..") {
                steps.push(Step::Scan);
                if self.peek() == Some('[') {
                    steps.push(self.bracket()?);
                } else {
                    match self.name(in_filter)? {
                        Name::Step(step) => steps.push(step),
                        Name::Function(_) => return Err(self.unexpected()),
                    }
                }
            } else if self.eat(".") {
                if self.peek() == Some('[') {
                    steps.push(self.bracket()?);
                    continue;
                }
                match self.name(in_filter)? {
                    Name::Step(step) => steps.push(step),
                    Name::Function(function) => return Ok(Steps::new(steps, Some(function))),
                }
            } else if self.peek() == Some('[') {
                steps.push(self.bracket()?);
            } else {
                return Ok(Steps::new(steps, None));
            }
        }
    }

    /// What follows a dot: a name, `*` or a function.
    fn name(&mut self, in_filter: bool) -> Result<Name, PathSyntaxError> {
        if self.eat("*") {
            return Ok(Name::Step(Step::Wildcard));
        }
        let name = self.take_while(|character| match character {
            '.' | '[' | '(' | ' ' => false,
            ')' | '=' | '<' | '>' | '!' | '~' | '&' | '|' | ',' | ']' => !in_filter,
            _ => true,
        });
        if name.is_empty() {
            return Err(self.unexpected());
        }
        if !self.eat("(") {
            return Ok(Name::Step(Step::Property(name.into())));
        }
        self.skip_blanks();
        self.expect(")")?;
        let function = Function::by_name(name)
            .ok_or_else(|| self.error(format!("function of name: {name} cannot be created")))?;
        Ok(Name::Function(function))
    }

    fn bracket(&mut self) -> Result<Step, PathSyntaxError> {
        self.expect("[")?;
        self.skip_blanks();
        let step = match self.peek() {
            Some('\'' | '"') => self.properties()?,
            Some('*') => {
                self.at += 1;
                Step::Wildcard
            }
            Some('?') => self.filter_step()?,
            Some('0'..='9' | '-' | ':') => self.indexes()?,
            _ => return Err(self.unexpected()),
        };
        self.skip_blanks();
        self.expect("]")?;
        Ok(step)
    }

    fn properties(&mut self) -> Result<Step, PathSyntaxError> {
        let mut names = vec![self.quoted()?.into_boxed_str()];
        loop {
            self.skip_blanks();
            if !self.eat(",") {
                break;
            }
            self.skip_blanks();
            names.push(self.quoted()?.into_boxed_str());
        }
        match names.len() {
            1 => Ok(Step::Property(names.swap_remove(0))),
            _ => Ok(Step::Properties(names)),
        }
    }

    /// A text in single or double quotes, with Java's escapes. A backslash before the other kind
    /// of quote stands for itself, as recorded on AWS.
    fn quoted(&mut self) -> Result<String, PathSyntaxError> {
        let quote = match self.peek() {
            Some(quote @ ('\'' | '"')) => quote,
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        let mut text = String::new();
        loop {
            let character = self.peek().ok_or_else(|| self.unexpected())?;
            self.at += character.len_utf8();
            match character {
                '\\' if self.peek().is_some_and(|next| "'\"".contains(next) && next != quote) => {
                    text.push(character);
                }
                '\\' => text.push(self.escaped()?),
                _ if character == quote => return Ok(text),
                _ => text.push(character),
            }
        }
    }

    fn escaped(&mut self) -> Result<char, PathSyntaxError> {
        let character = self.peek().ok_or_else(|| self.unexpected())?;
        self.at += character.len_utf8();
        Ok(match character {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => {
                let digits = self.rest().get(..4).ok_or_else(|| self.unexpected())?;
                let code = u32::from_str_radix(digits, 16).map_err(|_| self.unexpected())?;
                self.at += 4;
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            other => other,
        })
    }

    /// `0`, `0,1`, `1:`, `:2`, `1:2`; a step of a slice is read and ignored.
    fn indexes(&mut self) -> Result<Step, PathSyntaxError> {
        let inside =
            self.take_while(|character| matches!(character, '0'..='9' | '-' | ':' | ',' | ' '));
        let inside = inside.trim_end();
        let number = |text: &str| {
            text.parse::<i32>()
                .map(i64::from)
                .map_err(|_| self.error(format!("'{inside}' is no array index")))
        };
        if inside.contains(':') {
            let mut bounds = inside.split(':').map(|bound| match bound {
                "" => Ok(None),
                bound => number(bound).map(Some),
            });
            let from = bounds.next().transpose()?.flatten();
            let to = bounds.next().transpose()?.flatten();
            if from.is_none() && to.is_none() {
                return Err(self.error(format!("'{inside}' is no array slice")));
            }
            return Ok(Step::Slice(from, to));
        }
        let mut indexes =
            inside.split(',').map(|text| number(text.trim())).collect::<Result<Vec<_>, _>>()?;
        match indexes.len() {
            1 => Ok(Step::Index(indexes.swap_remove(0))),
            _ => Ok(Step::Indexes(indexes)),
        }
    }

    fn filter_step(&mut self) -> Result<Step, PathSyntaxError> {
        self.expect("?")?;
        self.skip_blanks();
        self.expect("(")?;
        let filter = self.either()?;
        self.skip_blanks();
        self.expect(")")?;
        Ok(Step::Filter(filter))
    }

    fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, PathSyntaxError>,
    ) -> Result<T, PathSyntaxError> {
        if self.nesting == NESTING_MAX {
            return Err(self.error("the filter nests too deeply"));
        }
        self.nesting += 1;
        let result = read(self);
        self.nesting -= 1;
        result
    }

    /// Filters joined by `||`.
    fn either(&mut self) -> Result<Filter, PathSyntaxError> {
        let mut filters = vec![self.both()?];
        while self.operator("||") {
            filters.push(self.both()?);
        }
        Ok(if filters.len() == 1 { filters.swap_remove(0) } else { Filter::Or(filters) })
    }

    /// Filters joined by `&&`.
    fn both(&mut self) -> Result<Filter, PathSyntaxError> {
        let mut filters = vec![self.single()?];
        while self.operator("&&") {
            filters.push(self.single()?);
        }
        Ok(if filters.len() == 1 { filters.swap_remove(0) } else { Filter::And(filters) })
    }

    fn operator(&mut self, token: &str) -> bool {
        self.skip_blanks();
        self.eat(token)
    }

    fn single(&mut self) -> Result<Filter, PathSyntaxError> {
        self.skip_blanks();
        if self.eat("!") {
            return self.nested(|parser| Ok(Filter::Not(Box::new(parser.single()?))));
        }
        if self.eat("(") {
            let filter = self.nested(Self::either)?;
            self.skip_blanks();
            self.expect(")")?;
            return Ok(filter);
        }
        let left = self.operand()?;
        self.skip_blanks();
        match self.comparison() {
            Some(operator) => {
                self.skip_blanks();
                Ok(Filter::Compare(left, operator, self.operand()?))
            }
            None => match left {
                Operand::Path(path) => Ok(Filter::Exists(path)),
                Operand::Literal(_) | Operand::Pattern(_) => Err(self.unexpected()),
            },
        }
    }

    fn comparison(&mut self) -> Option<Operator> {
        const SYMBOLS: [(&str, Operator); 9] = [
            ("===", Operator::SameTypeAndEqual),
            ("!==", Operator::NotSameTypeAndEqual),
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("=~", Operator::Matches),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        if let Some((_, operator)) = SYMBOLS.iter().find(|(symbol, _)| self.eat(symbol)) {
            return Some(*operator);
        }
        let start = self.at;
        let word = self.take_while(char::is_alphabetic).to_ascii_lowercase();
        let operator = match word.as_str() {
            "in" => Operator::In,
            "nin" => Operator::NotIn,
            "contains" => Operator::Contains,
            "all" => Operator::All,
            "size" => Operator::Size,
            "empty" => Operator::Empty,
            "subsetof" => Operator::SubsetOf,
            "anyof" => Operator::AnyOf,
            "noneof" => Operator::NoneOf,
            _ => {
                self.at = start;
                return None;
            }
        };
        Some(operator)
    }

    fn operand(&mut self) -> Result<Operand, PathSyntaxError> {
        match self.peek() {
            Some(root @ ('@' | '$')) => {
                self.at += 1;
                let steps = self.nested(|parser| parser.steps(true))?;
                Ok(Operand::Path(FilterPath { from_root: root == '$', steps }))
            }
            Some('\'' | '"') => Ok(Operand::Literal(Value::String(self.quoted()?))),
            Some('/') => self.pattern(),
            Some('[' | '{') => self.json_literal(),
            Some('0'..='9' | '-') => {
                let number = self.take_while(|character| {
                    matches!(character, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')
                });
                let number = serde_json::from_str(number)
                    .map_err(|_| self.error(format!("'{number}' is no number")))?;
                Ok(Operand::Literal(Value::Number(number)))
            }
            _ => {
                for (word, value) in [
                    ("true", Value::Bool(true)),
                    ("false", Value::Bool(false)),
                    ("null", Value::Null),
                ] {
                    if self.eat(word) {
                        return Ok(Operand::Literal(value));
                    }
                }
                Err(self.unexpected())
            }
        }
    }

    /// `/…/` with flags.
    fn pattern(&mut self) -> Result<Operand, PathSyntaxError> {
        self.expect("/")?;
        let start = self.at;
        loop {
            match self.peek() {
                None => return Err(self.unexpected()),
                Some('/') => break,
                Some('\\') => {
                    self.at += 1;
                    self.at += self.peek().map_or(0, char::len_utf8);
                }
                Some(other) => self.at += other.len_utf8(),
            }
        }
        let body = self.text[start..self.at].replace("\\/", "/");
        self.at += 1;
        let flags = self.take_while(char::is_alphabetic);
        let regex = RegexBuilder::new(&format!(r"\A(?:{body})\z"))
            .case_insensitive(flags.contains('i'))
            .multi_line(flags.contains('m'))
            .dot_matches_new_line(flags.contains('s'))
            .ignore_whitespace(flags.contains('x'))
            .build()
            .map_err(|error| self.error(format!("'/{body}/' is no regular expression: {error}")))?;
        Ok(Operand::Pattern(regex))
    }

    /// An array or object; strings in it may be in single quotes.
    fn json_literal(&mut self) -> Result<Operand, PathSyntaxError> {
        let mut json = String::new();
        let mut depth = 0_usize;
        loop {
            let character = self.peek().ok_or_else(|| self.unexpected())?;
            match character {
                '\'' | '"' => {
                    json.push_str(&Value::String(self.quoted()?).to_string());
                    continue;
                }
                '[' | '{' => depth += 1,
                ']' | '}' => depth -= 1,
                _ => {}
            }
            json.push(character);
            self.at += character.len_utf8();
            if depth == 0 {
                break;
            }
        }
        serde_json::from_str(&json)
            .map(Operand::Literal)
            .map_err(|_| self.error(format!("'{json}' is no JSON value")))
    }
}

enum Name {
    Step(Step),
    Function(Function),
}
