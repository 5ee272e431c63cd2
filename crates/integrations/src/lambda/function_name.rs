//! The names under which a function can be called.

/// A function's name, taken apart: `name`, `name:qualifier`, `account:function:name`,
/// `function:name`, or a full ARN, each with or without a qualifier.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FunctionName {
    pub(crate) partition: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) name: String,
    pub(crate) qualifier: Option<String>,
}

/// The pattern that Lambda names when a text is not a function's name.
pub(crate) const FUNCTION_NAME_PATTERN: &str = r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?";

impl FunctionName {
    /// `None` if the text is not a function's name.
    pub(crate) fn parse(text: &str) -> Option<FunctionName> {
        let mut parts: Vec<&str> = text.split(':').collect();
        let mut function = FunctionName::default();
        if parts[0] == "arn" {
            if parts.len() < 7 || parts[2] != "lambda" || parts[5] != "function" {
                return None;
            }
            function.partition = Some(parts[1].to_owned());
            function.region = Some(non_empty(parts[3])?);
            function.account = Some(account(parts[4])?);
            parts.drain(..6);
        } else {
            if parts.len() > 2 && is_region(parts[0]) {
                function.region = Some(parts.remove(0).to_owned());
            }
            if parts.len() > 1
                && let Some(account) = account(parts[0])
            {
                function.account = Some(account);
                parts.remove(0);
            }
            if parts.len() > 1 && parts[0] == "function" {
                parts.remove(0);
            }
        }
        function.name = parts[0].to_owned();
        let named = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
        if function.name.is_empty()
            || function.name.len() > 140
            || !function.name.chars().all(|character| named(character) || character == '.')
        {
            return None;
        }
        match parts[1..] {
            [] => {}
            [qualifier]
                if qualifier == "$LATEST"
                    || !qualifier.is_empty() && qualifier.chars().all(named) =>
            {
                function.qualifier = Some(qualifier.to_owned());
            }
            _ => return None,
        }
        Some(function)
    }

    /// The full ARN, with the qualifier if there is one. What the name leaves open comes from
    /// the ARN of the calling execution.
    pub(crate) fn arn(&self, execution_arn: &str, region: &str) -> String {
        let mut caller = execution_arn.split(':').skip(1);
        let partition = caller.next().filter(|partition| !partition.is_empty()).unwrap_or("aws");
        let account = caller.nth(2).filter(|account| !account.is_empty()).unwrap_or("000000000000");
        let mut arn = format!(
            "arn:{}:lambda:{}:{}:function:{}",
            self.partition.as_deref().unwrap_or(partition),
            self.region.as_deref().unwrap_or(region),
            self.account.as_deref().unwrap_or(account),
            self.name
        );
        if let Some(qualifier) = &self.qualifier {
            arn.push(':');
            arn.push_str(qualifier);
        }
        arn
    }

    /// How exactly this declared name means the called one: the number of parts that agree, or
    /// `None` if one differs.
    pub(crate) fn precision(&self, called: &FunctionName, arn: &str) -> Option<u32> {
        let called_full = FunctionName::parse(arn)?;
        if self.name != called.name {
            return None;
        }
        let mut precision = 1;
        for (declared, actual) in [
            (&self.partition, &called_full.partition),
            (&self.region, &called_full.region),
            (&self.account, &called_full.account),
            (&self.qualifier, &called_full.qualifier),
        ] {
            match declared {
                Some(_) if declared != actual => return None,
                Some(_) => precision += 1,
                None => {}
            }
        }
        Some(precision)
    }
}

fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn account(text: &str) -> Option<String> {
    (text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.to_owned())
}

fn is_region(text: &str) -> bool {
    text.matches('-').count() >= 2 && text.ends_with(|last: char| last.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let actual = match FunctionName::parse(text) {
            None => "none".to_owned(),
            Some(name) => name
                .arn("arn:aws:states:us-east-1:111111111111:execution:machine:name", "us-east-1"),
        };
        assert_eq!(actual, expected, "{text}");
    }

    #[test]
    fn every_form_of_a_name_gives_an_arn() {
        check("hello", "arn:aws:lambda:us-east-1:111111111111:function:hello");
        check("hello:prod", "arn:aws:lambda:us-east-1:111111111111:function:hello:prod");
        check("hello:$LATEST", "arn:aws:lambda:us-east-1:111111111111:function:hello:$LATEST");
        check("function:hello", "arn:aws:lambda:us-east-1:111111111111:function:hello");
        check(
            "222222222222:function:hello:3",
            "arn:aws:lambda:us-east-1:222222222222:function:hello:3",
        );
        check(
            "eu-west-1:222222222222:function:hello",
            "arn:aws:lambda:eu-west-1:222222222222:function:hello",
        );
        for arn in [
            "arn:aws-cn:lambda:cn-north-1:222222222222:function:a_b-c.d",
            "arn:aws:lambda:eu-west-1:222222222222:function:hello:prod",
        ] {
            check(arn, arn);
        }
        for wrong in
            ["", "a b", "a:b c", "a:", "arn:aws:s3:::x", "arn:aws:lambda:eu-west-1:1:function:x"]
        {
            check(wrong, "none");
        }
    }

    #[test]
    fn declarations_match_by_what_they_name() {
        let called = FunctionName::parse("hello:prod").unwrap();
        let arn = called.arn("arn:aws:states:us-east-1:111111111111:execution:m:n", "us-east-1");
        let precision =
            |declared: &str| FunctionName::parse(declared).unwrap().precision(&called, &arn);
        assert_eq!(precision("hello"), Some(1));
        assert_eq!(precision("hello:prod"), Some(2));
        assert_eq!(precision("hello:test"), None);
        assert_eq!(precision("other"), None);
        assert_eq!(precision("111111111111:function:hello"), Some(2));
        assert_eq!(precision("arn:aws:lambda:us-east-1:111111111111:function:hello"), Some(4));
        assert_eq!(precision("arn:aws:lambda:us-east-2:111111111111:function:hello"), None);
    }
}
