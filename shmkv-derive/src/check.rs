//! Refusing field types by name, where the message can name the remedy.
//!
//! A macro sees tokens, not types: `String` may be anything. So these checks only
//! improve messages. What they miss, a type alias for instance, fails to satisfy
//! the trait bounds of the generated code.

use syn::{GenericArgument, PathArguments, Type, TypePath};

use crate::mistakes::Mistakes;
use crate::role::Role;

/// Reports what is wrong with a field of type `ty`. With `max_len`, the field may
/// be a `String` or `Vec`, or an `Option` of one.
pub(crate) fn field_type(ty: &Type, role: Role, max_len: bool, mistakes: &mut Mistakes) {
    Check { role, mistakes }.visit(ty, max_len, true);
}

struct Check<'a> {
    role: Role,
    mistakes: &'a mut Mistakes,
}

impl Check<'_> {
    /// `top`: an attribute of the field would apply to `ty` itself.
    fn visit(&mut self, ty: &Type, max_len: bool, top: bool) {
        match ty {
            Type::Array(array) => self.visit(&array.elem, false, false),
            Type::Group(group) => self.visit(&group.elem, max_len, top),
            Type::Paren(paren) => self.visit(&paren.elem, max_len, top),
            Type::Tuple(tuple) => {
                for item in &tuple.elems {
                    self.visit(item, false, false);
                }
            }
            Type::Path(path) => self.visit_path(path, max_len, top),
            Type::Reference(_) => self.refuse(
                ty,
                "a reference cannot be shared between processes: store the value itself",
            ),
            Type::Ptr(_) | Type::FnPtr(_) => self.refuse(
                ty,
                "a pointer cannot be shared between processes: store the value itself",
            ),
            Type::Slice(_) => self.refuse(
                ty,
                "a slice has no fixed size: use an array, or a `Vec` with `#[shm(max_len = N)]`",
            ),
            Type::TraitObject(_) | Type::ImplTrait(_) => self.refuse(
                ty,
                "a trait object has no fixed size: store a concrete type",
            ),
            _ => {}
        }
    }

    fn visit_path(&mut self, ty: &TypePath, max_len: bool, top: bool) {
        let Some(last) = ty.path.segments.last().filter(|_| ty.qself.is_none()) else {
            return;
        };
        // `my::String` is not the standard library's.
        let first = ty.path.segments.first().map(|first| &first.ident);
        let of_std = |first| ["std", "core", "alloc"].iter().any(|known| first == known);
        if ty.path.segments.len() > 1 && !first.is_some_and(of_std) {
            return;
        }
        let name = last.ident.to_string();
        let generic = !last.arguments.is_none();
        let message = match name.as_str() {
            "usize" => "the size of `usize` depends on the target: use `u64`".to_owned(),
            "isize" => "the size of `isize` depends on the target: use `i64`".to_owned(),
            "f32" | "f64" if self.role == Role::Key => {
                "a float cannot be part of a key: keys are compared by their bytes, which differ \
                 for 0.0 and -0.0; store `to_bits()` or a scaled integer"
                    .to_owned()
            }
            // Without arguments it is not the standard library's, and may be valid.
            "Vec" | "Box" | "Rc" | "Arc" | "Cow" | "HashMap" | "BTreeMap" | "HashSet"
            | "BTreeSet" | "VecDeque" | "Option"
                if !generic =>
            {
                return;
            }
            "String" | "Vec" if max_len => {
                return self.visit_arguments(ty, false, false);
            }
            "String" | "Vec" if top => {
                format!("a `{name}` has no fixed size: add `#[shm(max_len = N)]`")
            }
            "String" => "a `String` inside another type has no fixed size: use `ShmStr<N>`".into(),
            "Vec" => "a `Vec` inside another type has no fixed size: use an array".into(),
            "str" => "a `str` has no fixed size: use `ShmStr<N>`".into(),
            "Box" | "Rc" | "Arc" | "Cow" => {
                format!("a `{name}` points into one process: store the value itself")
            }
            "HashMap" | "BTreeMap" | "HashSet" | "BTreeSet" | "VecDeque" | "PathBuf"
            | "OsString" | "CString" => {
                format!("a `{name}` has no fixed size: use a `Vec` with `#[shm(max_len = N)]`")
            }
            "Option" => return self.visit_arguments(ty, max_len, top),
            _ => return,
        };
        self.refuse(ty, &message);
    }

    fn visit_arguments(&mut self, ty: &TypePath, max_len: bool, top: bool) {
        let last = ty.path.segments.last().map(|last| &last.arguments);
        if let Some(PathArguments::AngleBracketed(arguments)) = last {
            for argument in &arguments.args {
                if let GenericArgument::Type(ty) = argument {
                    self.visit(ty, max_len, top);
                }
            }
        }
    }

    fn refuse(&mut self, ty: impl quote::ToTokens, message: &str) {
        self.mistakes.at(ty, message);
    }
}
