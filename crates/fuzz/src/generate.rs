//! Texts made by grammars: valid for the most part, and strange.

use crate::{Random, Target};

/// How deep a text may nest.
const DEPTH_MAX: usize = 5;

/// A text for a target, from its grammar.
pub(crate) fn generate(random: &Random, target: Target) -> String {
    let maker = Maker { random };
    match target {
        Target::Path => maker.path(DEPTH_MAX),
        Target::Intrinsic => maker.call(DEPTH_MAX),
        Target::Jsonata => maker.expression(DEPTH_MAX),
        Target::Template => maker.template(DEPTH_MAX),
        Target::Definition | Target::Execution => maker.definition(),
    }
}

struct Maker<'r> {
    random: &'r Random,
}

const NAMES: &[&str] = &["a", "b", "list", "text", "nested", "missing", "x y", "é", "0", "length"];
const INTRINSICS: &[&str] = &[
    "Array",
    "ArrayContains",
    "ArrayGetItem",
    "ArrayLength",
    "ArrayPartition",
    "ArrayRange",
    "ArrayUnique",
    "Base64Decode",
    "Base64Encode",
    "Format",
    "Hash",
    "JsonMerge",
    "JsonToString",
    "MathAdd",
    "MathRandom",
    "StringSplit",
    "StringToJson",
    "UUID",
    "Nothing",
];
const FUNCTIONS: &[&str] = &[
    "abs",
    "append",
    "average",
    "base64decode",
    "base64encode",
    "boolean",
    "ceil",
    "contains",
    "count",
    "decodeUrl",
    "distinct",
    "each",
    "exists",
    "filter",
    "floor",
    "formatBase",
    "formatInteger",
    "formatNumber",
    "fromMillis",
    "hash",
    "join",
    "keys",
    "length",
    "lookup",
    "lowercase",
    "map",
    "match",
    "max",
    "merge",
    "millis",
    "min",
    "not",
    "now",
    "number",
    "pad",
    "parse",
    "parseInteger",
    "partition",
    "power",
    "random",
    "range",
    "reduce",
    "replace",
    "reverse",
    "round",
    "shuffle",
    "sift",
    "single",
    "sort",
    "split",
    "spread",
    "sqrt",
    "string",
    "substring",
    "substringAfter",
    "substringBefore",
    "sum",
    "toMillis",
    "trim",
    "type",
    "uppercase",
    "uuid",
    "zip",
    "eval",
    "clone",
    "assert",
    "error",
];

impl Maker<'_> {
    fn one(&self, choices: &[&str]) -> String {
        self.random.choose(choices).to_owned()
    }

    fn number(&self) -> String {
        match self.random.below(6) {
            0 => "0".to_owned(),
            1 => "-1".to_owned(),
            2 => self.random.below(5).to_string(),
            3 => format!("{}.{}", self.random.below(100), self.random.below(1000)),
            4 => self.one(&["2147483648", "-2147483649", "9007199254740993", "1e21", "1e-7"]),
            _ => self.random.below(300).to_string(),
        }
    }

    fn path(&self, depth: usize) -> String {
        let mut path = self.one(&["$", "$", "$", "$$", "$variable", "$missing"]);
        for _ in 0..self.random.below(4) {
            path.push_str(&self.step(depth));
        }
        path
    }

    fn step(&self, depth: usize) -> String {
        match self.random.below(12) {
            0..=3 => format!(".{}", self.one(NAMES)),
            4 => format!("['{}']", self.one(NAMES)),
            5 => format!("[{}]", self.number()),
            6 => "[*]".to_owned(),
            7 => format!("..{}", self.one(&["a", "*", "[0]", "['b']", "[?(@.a)]"])),
            8 => format!("[{}:{}]", self.one(&["", "0", "1", "-2"]), self.one(&["", "1", "-1"])),
            9 => format!("[{},{}]", self.number(), self.number()),
            10 if depth > 0 => format!("[?({})]", self.filter(depth - 1)),
            10 => "['a','b']".to_owned(),
            _ => self.one(&[".length()", ".min()", ".sum()", ".keys()", ".first()", ".avg()"]),
        }
    }

    fn filter(&self, depth: usize) -> String {
        match self.random.below(if depth > 0 { 6 } else { 3 }) {
            0 => format!("@.{}", self.one(NAMES)),
            1 | 2 => {
                let operators = [
                    "==", "!=", "<", "<=", ">", ">=", "===", "in", "nin", "contains", "size",
                    "empty", "subsetof", "anyof", "noneof", "all",
                ];
                let left = self.operand(depth);
                format!("{left} {} {}", self.one(&operators), self.operand(depth))
            }
            3 => format!("@.text =~ /{}/i", self.one(&["a+", "(a|b)*", ".*x", "[a-z]{1,3}"])),
            4 => {
                let operator = self.one(&["&&", "||"]);
                format!("{} {operator} {}", self.filter(depth - 1), self.filter(depth - 1))
            }
            _ => format!("!({})", self.filter(depth - 1)),
        }
    }

    fn operand(&self, depth: usize) -> String {
        match self.random.below(6) {
            0 => self.number(),
            1 => "'text'".to_owned(),
            2 => "[1, 'a', null]".to_owned(),
            3 => "true".to_owned(),
            4 if depth > 0 => format!("${}", self.step(depth - 1)),
            _ => format!("@.{}", self.one(NAMES)),
        }
    }

    fn call(&self, depth: usize) -> String {
        let count = self.random.below(4);
        let arguments: Vec<String> = (0..count).map(|_| self.argument(depth)).collect();
        format!("States.{}({})", self.one(INTRINSICS), arguments.join(", "))
    }

    fn argument(&self, depth: usize) -> String {
        match self.random.below(6) {
            0 => self.number(),
            1 => self.one(&["'{}'", "'a,b'", "'{\\'x\\': {}}'", "''", "'SHA-256'", "'aGk='"]),
            2 => self.one(&["true", "false", "null"]),
            3 if depth > 0 => self.call(depth - 1),
            _ => self.path(1),
        }
    }

    fn expression(&self, depth: usize) -> String {
        if depth == 0 {
            return self.leaf();
        }
        let inner = || self.expression(depth - 1);
        match self.random.below(18) {
            0 => self.leaf(),
            1..=3 => {
                let operators = [
                    "+", "-", "*", "/", "%", "&", "=", "!=", "<", ">=", "and", "or", "in", "..",
                    "~>", ".",
                ];
                let left = inner();
                format!("({left} {} {})", self.one(&operators), inner())
            }
            4 | 5 => {
                let arguments: Vec<String> = (0..self.random.below(4)).map(|_| inner()).collect();
                format!("${}({})", self.one(FUNCTIONS), arguments.join(", "))
            }
            6 => format!("[{}, {}]", inner(), inner()),
            7 => format!("{{\"a\": {}, \"b\": {}}}", inner(), inner()),
            8 => format!("({} ? {} : {})", inner(), inner(), inner()),
            9 => format!("($v := {}; $f := function($x){{ {} }}; {})", inner(), inner(), inner()),
            10 => format!("$map({}, function($i, $k){{ {} }})", inner(), inner()),
            11 => format!("{}[{}]", self.leaf(), inner()),
            12 => format!("{}^(<{}, >{})", self.leaf(), inner(), inner()),
            13 => format!("{}{{{}: {}}}", self.leaf(), inner(), inner()),
            14 => format!("{} ~> |{}|{}|", self.leaf(), inner(), inner()),
            15 => format!("$reduce({}, function($a, $i){{ {} }}, {})", inner(), inner(), inner()),
            16 => format!("{}#$i.{}", self.leaf(), inner()),
            _ => format!("$f({})", inner()),
        }
    }

    fn leaf(&self) -> String {
        match self.random.below(10) {
            0 | 1 => self.number(),
            2 => self.one(&["\"text\"", "\"\"", "'[Y]-[M01]'", "\"#,##0.00\"", "'2024-01-01'"]),
            3 => self.one(&["true", "false", "null"]),
            4 => format!("$states.input.{}", self.one(&["a", "list", "text", "nested", "**", "*"])),
            5 => self.one(&["$variable", "$missing", "$v", "$x", "$i", "$a", "$", "$f"]),
            6 => self.one(&["/a+/", "/(a|b)*c/i", "/x*/m", "/./"]),
            7 => format!("[{}..{}]", self.random.below(5), self.random.below(40)),
            8 => self.one(&["$states.context", "$states.result", "$states"]),
            _ => self.one(NAMES).replace(' ', "_"),
        }
    }

    fn template(&self, depth: usize) -> String {
        let quoted = |text: String| serde_json::Value::from(text).to_string();
        match self.random.below(if depth > 0 { 8 } else { 4 }) {
            0 => self.one(&["1", "1.0", "1e3", "-0", "12345678901234567890", "null", "true"]),
            1 => quoted(self.one(&["text", "$.a", "", "{%", "States.UUID()"])),
            2 => quoted(format!("{{% {} %}}", self.expression(2))),
            3 => format!("{{\"p.$\": {}}}", quoted(self.path(2))),
            4 => format!(
                "{{\"c.$\": {}, \"d\": {}}}",
                quoted(self.call(2)),
                self.template(depth - 1)
            ),
            5 => format!("[{}, {}]", self.template(depth - 1), self.template(depth - 1)),
            _ => format!(
                "{{{}: {}, \"b\": {}}}",
                quoted(self.one(NAMES)),
                self.template(depth - 1),
                self.template(depth - 1)
            ),
        }
    }

    /// A machine of one state around a template.
    fn definition(&self) -> String {
        let template = self.template(4);
        let state = match self.random.below(8) {
            0 => format!(r#""Type":"Pass","Parameters":{template},"End":true"#),
            1 => {
                format!(r#""Type":"Pass","QueryLanguage":"JSONata","Output":{template},"End":true"#)
            }
            2 => format!(r#""Type":"Pass","Assign":{{"v":{template}}},"End":true"#),
            3 => format!(
                r#""Type":"Pass","QueryLanguage":"JSONata","Assign":{{"v":{template}}},"End":true"#
            ),
            4 => format!(
                r#""Type":"Map","ItemsPath":"$.list","ItemSelector":{template},"ItemProcessor":{{"StartAt":"B","States":{{"B":{{"Type":"Pass","End":true}}}}}},"End":true"#
            ),
            5 => format!(
                r#""Type":"Map","QueryLanguage":"JSONata","Items":{template},"ItemProcessor":{{"StartAt":"B","States":{{"B":{{"Type":"Pass","End":true}}}}}},"End":true"#
            ),
            6 => format!(
                r#""Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{template},"ResultSelector":{},"Catch":[{{"ErrorEquals":["States.ALL"],"Next":"C"}}],"End":true"#,
                self.template(2)
            ),
            _ => format!(
                r#""Type":"Task","QueryLanguage":"JSONata","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","Arguments":{template},"Output":{},"Catch":[{{"ErrorEquals":["States.ALL"],"Next":"C","Output":{}}}],"End":true"#,
                self.template(2),
                self.template(2)
            ),
        };
        format!(r#"{{"StartAt":"A","States":{{"A":{{{state}}},"C":{{"Type":"Succeed"}}}}}}"#)
    }
}
