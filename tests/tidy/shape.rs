//! The shape of code: short functions, short files, documented modules and public items.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Visibility};

use super::source::Source;
use super::{Findings, all_files_obey, all_rust_files_obey};

/// What fits one screen; tests included.
const FUNCTION_LINES_MAX: usize = 70;
/// Lines that are neither empty nor a comment.
const FILE_CODE_LINES_MAX: usize = 500;
/// Arguments → configuration → start → signal; everything else has a home.
const MAIN_CODE_LINES_MAX: usize = 40;
/// Kinds of files that people write.
const WRITTEN: [&str; 7] = [".rs", ".js", ".mjs", ".ts", ".css", ".html", ".sh"];

fn functions_are_short(file: &Source) -> Findings {
    let mut functions = Functions { path: &file.path, findings: Findings::new() };
    functions.visit_file(&file.syntax());
    functions.findings
}

struct Functions<'a> {
    path: &'a str,
    findings: Findings,
}

impl Functions<'_> {
    fn measure(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let first = signature.fn_token.span.start().line;
        let lines = block.brace_token.span.close().end().line + 1 - first;
        if lines > FUNCTION_LINES_MAX {
            let (path, name) = (self.path, &signature.ident);
            self.findings.push(format!(
                "{path}:{first}: `{name}` has {lines} lines, at most {FUNCTION_LINES_MAX}; split it by what it decides"
            ));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.measure(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.measure(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.measure(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

fn files_are_short(file: &Source) -> Findings {
    let script = file.path.starts_with("scripts/");
    if !script && !WRITTEN.iter().any(|kind| file.path.ends_with(kind)) {
        return Findings::new();
    }
    let limit = if file.path == "src/main.rs" { MAIN_CODE_LINES_MAX } else { FILE_CODE_LINES_MAX };
    let lines = file.code_lines();
    let path = &file.path;
    if lines <= limit {
        return Findings::new();
    }
    vec![format!("{path}: {lines} lines of code, at most {limit}; split it by noun")]
}

/// A file of tests is named after what it tests and lies beside it.
fn modules_say_what_they_are(file: &Source) -> Findings {
    if file.path.ends_with("/tests.rs") {
        return Findings::new();
    }
    let documented = file.syntax().attrs.iter().any(is_doc);
    let finding =
        format!("{}:1: no `//!`; say what the module is and why it is shaped so", file.path);
    if documented { Findings::new() } else { vec![finding] }
}

fn is_doc(attribute: &Attribute) -> bool {
    attribute.path().is_ident("doc")
}

fn is_excused(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|one| {
        let list = one.meta.require_list();
        let says = |text: String| text.contains("missing_docs") && text.contains("reason");
        one.path().is_ident("allow") && list.is_ok_and(|list| says(list.tokens.to_string()))
    })
}

fn is_test_only(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|one| {
        let list = one.meta.require_list();
        one.path().is_ident("cfg") && list.is_ok_and(|list| list.tokens.to_string() == "test")
    })
}

/// Public items of the product; `pub mod` and `pub use` are documented where they lead.
fn public_items_are_documented(file: &Source) -> Findings {
    if file.path.starts_with("tests/") {
        return Findings::new();
    }
    let mut items = PublicItems { path: &file.path, findings: Findings::new() };
    items.visit_file(&file.syntax());
    items.findings
}

struct PublicItems<'a> {
    path: &'a str,
    findings: Findings,
}

impl PublicItems<'_> {
    fn check(&mut self, visibility: &Visibility, attributes: &[Attribute], name: &str, span: Span) {
        if matches!(visibility, Visibility::Public(_)) && !attributes.iter().any(is_doc) {
            let (path, line) = (self.path, span.start().line);
            self.findings.push(format!("{path}:{line}: `pub {name}` has no documentation"));
        }
    }
}

impl<'ast> Visit<'ast> for PublicItems<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test_only(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.check(&item.vis, &item.attrs, &item.sig.ident.to_string(), item.sig.span());
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.check(&item.vis, &item.attrs, &item.sig.ident.to_string(), item.sig.span());
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.check(&item.vis, &item.attrs, &item.ident.to_string(), item.ident.span());
        for field in &item.fields {
            if let Some(name) = &field.ident {
                self.check(&field.vis, &field.attrs, &name.to_string(), name.span());
            }
        }
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.check(&item.vis, &item.attrs, &item.ident.to_string(), item.ident.span());
        // `allow(missing_docs, reason = "…")` says in one place what would stand at each of them.
        if is_excused(&item.attrs) {
            return;
        }
        for variant in &item.variants {
            self.check(&item.vis, &variant.attrs, &variant.ident.to_string(), variant.ident.span());
        }
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.check(&item.vis, &item.attrs, &item.ident.to_string(), item.ident.span());
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.check(&item.vis, &item.attrs, &item.ident.to_string(), item.ident.span());
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.check(&item.vis, &item.attrs, &item.ident.to_string(), item.ident.span());
    }
}

#[test]
fn every_function_is_short() {
    all_rust_files_obey(functions_are_short);
}

#[test]
fn every_file_is_short() {
    all_files_obey(files_are_short);
}

#[test]
fn every_module_says_what_it_is() {
    all_rust_files_obey(modules_say_what_they_are);
}

#[test]
fn every_public_item_is_documented() {
    all_rust_files_obey(public_items_are_documented);
}

#[test]
fn a_long_function_is_found_wherever_it_stands() {
    let long = |lines: usize| format!("fn f() {{\n{}}}", "    g();\n".repeat(lines - 2));
    let find = |text: &str| functions_are_short(&Source::new("src/a.rs", text));
    assert_eq!(find(&long(FUNCTION_LINES_MAX)), Findings::new());
    assert!(find(&long(FUNCTION_LINES_MAX + 1))[0].contains("71 lines"));
    for (open, close) in
        [("impl A {", "}"), ("trait A {", "}"), ("mod tests {", "}"), ("fn g() {", "}")]
    {
        assert_eq!(find(&format!("{open} {} {close}", long(71))).len().min(1), 1, "{open}");
    }
}

#[test]
fn a_long_file_is_found_and_comments_do_not_count() {
    let file = |path: &str, lines: usize| Source::new(path, &"// why\n\nf();\n".repeat(lines));
    assert_eq!(files_are_short(&file("src/a.rs", FILE_CODE_LINES_MAX)), Findings::new());
    assert_eq!(files_are_short(&file("src/a.rs", FILE_CODE_LINES_MAX + 1)).len(), 1);
    assert_eq!(
        files_are_short(&file("src/edge/watch/player.js", FILE_CODE_LINES_MAX + 1)).len(),
        1
    );
    assert_eq!(files_are_short(&file("src/main.rs", MAIN_CODE_LINES_MAX + 1)).len(), 1);
    assert_eq!(files_are_short(&file("Cargo.lock", FILE_CODE_LINES_MAX + 1)), Findings::new());
}

#[test]
fn a_module_without_a_word_is_found() {
    let find = |text: &str| modules_say_what_they_are(&Source::new("src/a.rs", text)).len();
    assert_eq!(find("// a comment is not documentation\nfn f() {}"), 1);
    assert_eq!(find("//! What it is.\nfn f() {}"), 0);
}

#[test]
fn an_undocumented_public_item_is_found() {
    let find = |text: &str| public_items_are_documented(&Source::new("src/a.rs", text)).len();
    for item in
        ["fn f() {}", "struct S;", "enum E {}", "trait T {}", "const C: u8 = 1;", "type A = u8;"]
    {
        assert_eq!(find(&format!("pub {item}")), 1, "{item}");
        assert_eq!(find(&format!("/// What.\npub {item}")), 0, "{item}");
        assert_eq!(find(item), 0, "{item}");
    }
    assert_eq!(find("/// S.\npub struct S { pub field: u8 }"), 1);
    assert_eq!(find("/// E.\npub enum E { Variant }"), 1);
    let excused = "/// E.\n#[allow(missing_docs, reason = \"r\")]\npub enum E { Variant }";
    assert_eq!(find(excused), 0);
    assert_eq!(find("impl S { pub fn f() {} }"), 1);
    assert_eq!(find("#[cfg(test)]\nmod tests { pub fn f() {} }"), 0);
}
