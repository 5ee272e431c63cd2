//! Names as Step Functions spells them: those of AWS's SDK for Java 2, with a capital letter.

/// Words that Java keeps for itself; a property of that name gets `Value` behind it.
const KEYWORDS: [&str; 53] = [
    "abstract",
    "assert",
    "boolean",
    "break",
    "byte",
    "case",
    "catch",
    "char",
    "class",
    "const",
    "continue",
    "default",
    "do",
    "double",
    "else",
    "enum",
    "extends",
    "false",
    "final",
    "finally",
    "float",
    "for",
    "goto",
    "if",
    "implements",
    "import",
    "instanceof",
    "int",
    "interface",
    "long",
    "native",
    "new",
    "null",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "short",
    "static",
    "strictfp",
    "super",
    "switch",
    "synchronized",
    "this",
    "throw",
    "throws",
    "transient",
    "true",
    "try",
    "void",
    "volatile",
    "while",
];

/// Methods that every class of a model has, so that no property can have their names.
const METHODS: [&str; 13] = [
    "equals",
    "finalize",
    "getClass",
    "hashCode",
    "notify",
    "notifyAll",
    "toString",
    "wait",
    "builder",
    "sdkFields",
    "toBuilder",
    "overrideConfiguration",
    "sdkHttpResponse",
];

/// The name of a member in parameters and results: `DBInstanceIdentifier` is
/// `DbInstanceIdentifier`, `nextToken` is `NextToken`, `equals` is `EqualsValue`.
pub fn property_name(member: &str) -> String {
    let property = uncapitalized(member);
    let mut name = capitalized(&property);
    if KEYWORDS.contains(&property.to_ascii_lowercase().as_str())
        || METHODS.contains(&property.as_str())
    {
        name.push_str("Value");
    }
    name
}

/// Lowers the first letter, and with it what follows of an acronym, but for the last letter of
/// it where a word begins there.
fn uncapitalized(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let upper = |at: usize| letters.get(at).is_some_and(|letter| letter.is_uppercase());
    let lower = |at: usize| letters.get(at).is_some_and(|letter| letter.is_lowercase());
    let mut count = 1;
    while upper(count) && !lower(count + 1) {
        count += 1;
    }
    let start = letters.iter().take(count).flat_map(|letter| letter.to_lowercase());
    start.chain(letters.iter().skip(count).copied()).collect()
}

pub(crate) fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// The name of an error's class: `NoSuchKey` is `NoSuchKeyException`, `DBInstanceNotFoundFault`
/// is `DbInstanceNotFoundException`.
pub fn exception_name(shape: &str) -> String {
    let stem = match shape.strip_suffix("Fault") {
        Some(stem) => stem,
        None => match shape.strip_suffix("Exception") {
            Some(_) => return pascal_case(shape),
            None => shape,
        },
    };
    format!("{}Exception", pascal_case(stem))
}

/// Each word with a capital letter and else small ones.
fn pascal_case(name: &str) -> String {
    let lower = |word: &String| capitalized(&word.to_lowercase());
    words(name).iter().map(lower).collect()
}

/// Splits a name into words: at what is no letter or digit, before a capital after a small
/// letter if more follows, before the last capital of an acronym that begins a word, after a
/// digit.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let is = |at: Option<usize>, test: fn(&char) -> bool| {
        at.and_then(|at| letters.get(at)).is_some_and(test)
    };
    let mut words = vec![String::new()];
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1);
        if !letter.is_ascii_alphanumeric() {
            words.push(String::new());
            continue;
        }
        let camel = is(before, char::is_ascii_lowercase)
            && letter.is_ascii_uppercase()
            && is(Some(at + 1), char::is_ascii_alphanumeric);
        let acronym = is(before, char::is_ascii_uppercase)
            && letter.is_ascii_uppercase()
            && is(Some(at + 1), char::is_ascii_lowercase);
        let after_digit = is(before, char::is_ascii_digit) && letter.is_ascii_alphabetic();
        if camel || acronym || after_digit || begins_version(&letters, at) {
            words.push(String::new());
        }
        words.last_mut().expect("there is always one").push(*letter);
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a version (`v2` after capitals, `V2` after small letters) begins here.
fn begins_version(letters: &[char], at: usize) -> bool {
    let other: fn(&char) -> bool = match letters.get(at) {
        Some('v') => |letter| !letter.is_ascii_lowercase(),
        Some('V') => |letter| !letter.is_ascii_uppercase(),
        _ => return false,
    };
    at >= 2
        && letters[at - 2..at].iter().all(other)
        && letters.get(at + 1).is_some_and(char::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties() {
        let check = |member, name| assert_eq!(property_name(member), name, "{member}");
        check("nextToken", "NextToken");
        check("DBInstanceIdentifier", "DbInstanceIdentifier");
        check("SSEKMSKeyId", "SsekmsKeyId");
        check("ETag", "ETag");
        check("BOOL", "Bool");
        check("SS", "Ss");
        check("S", "S");
        check("VpcId", "VpcId");
        check("S3Bucket", "S3Bucket");
        check("equals", "EqualsValue");
        check("Equals", "EqualsValue");
        check("default", "DefaultValue");
        check("Default", "DefaultValue");
        check("IPv6Cidr", "IPv6Cidr");
    }

    #[test]
    fn exceptions() {
        let check = |shape, name| assert_eq!(exception_name(shape), name, "{shape}");
        check("NoSuchKey", "NoSuchKeyException");
        check("ResourceNotFoundException", "ResourceNotFoundException");
        check("DBInstanceNotFoundFault", "DbInstanceNotFoundException");
        check("KMSDisabledException", "KmsDisabledException");
        check(
            "AWS.SimpleQueueService.NonExistentQueue",
            "AwsSimpleQueueServiceNonExistentQueueException",
        );
        check("InvalidS3ObjectException", "InvalidS3ObjectException");
        check("EC2AccessDeniedException", "Ec2AccessDeniedException");
    }
}
