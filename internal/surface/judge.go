package surface

import (
	"fmt"
	"go/ast"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

const module = "github.com/seed-7fcaac1b/protocaller/"

// Names returns the exported names that are judged to be of no use to others, each with why. It
// looks at the module in dir. A method has the name of its type before its own.
func Names(dir string) (map[string]string, error) {
	loaded, err := packages.Load(&packages.Config{
		Dir: dir, Tests: true,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo |
			packages.NeedImports | packages.NeedExportFile | packages.NeedForTest,
	}, "./...")
	if err != nil {
		return nil, err
	}
	j := &judge{siblings: make(map[string]string), programs: make(map[string]bool), found: make(map[string]string)}
	for _, p := range loaded {
		if len(p.Errors) > 0 {
			return nil, fmt.Errorf("surface: %s: %w", p.ID, p.Errors[0])
		}
		j.uses(p)
	}
	if err := j.read(dir); err != nil {
		return nil, err
	}
	for _, p := range loaded {
		if p.ForTest == "" && isPublic(p.PkgPath) && p.Name != "main" {
			j.declarations(p)
		}
	}
	return j.found, nil
}

// isPublic reports whether programs elsewhere can import a package of the module.
func isPublic(path string) bool {
	folder, own := strings.CutPrefix(path, module)
	return own && !strings.Contains("/"+folder+"/", "/internal/") && !strings.HasPrefix(folder, "examples/") &&
		!strings.HasSuffix(folder, ".test") && !strings.HasSuffix(folder, "_test")
}

type judge struct {
	siblings map[string]string // names that another package uses, and which one
	programs map[string]bool   // names that what stands for a program uses
	found    map[string]string
}

// uses notes what the files of a package use of others.
func (j *judge) uses(p *packages.Package) {
	own := strings.TrimSuffix(p.PkgPath, "_test")
	for _, file := range p.Syntax {
		isTest := strings.HasSuffix(p.Fset.Position(file.Pos()).Filename, "_test.go")
		for _, decl := range file.Decls {
			isProgram := strings.HasPrefix(p.PkgPath, module+"examples/")
			if f, ok := decl.(*ast.FuncDecl); ok && isTest && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Example") {
				isProgram = true
			}
			ast.Inspect(decl, func(n ast.Node) bool {
				id, ok := n.(*ast.Ident)
				if !ok {
					return true
				}
				name := nameOf(p.TypesInfo.Uses[id])
				switch {
				case name == "":
				case isProgram:
					j.programs[name] = true
				case !isTest && !strings.HasPrefix(name, own[len(module):]+"."):
					j.siblings[name] = own[len(module):]
				}
				return true
			})
		}
	}
}

// nameOf returns the name of something that a public package exports, or "".
func nameOf(o types.Object) string {
	if o == nil || o.Pkg() == nil || !o.Exported() || !isPublic(o.Pkg().Path()) {
		return ""
	}
	in := o.Pkg().Path()[len(module):]
	if f, ok := o.(*types.Func); ok {
		o = f.Origin()
		if recv := f.Signature().Recv(); recv != nil {
			named := namedOf(recv.Type())
			if named == nil || !named.Obj().Exported() {
				return ""
			}
			return in + "." + named.Obj().Name() + "." + o.Name()
		}
	}
	if o.Parent() != o.Pkg().Scope() {
		return "" // a field
	}
	return in + "." + o.Name()
}

func namedOf(t types.Type) *types.Named {
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	named, _ := t.(*types.Named)
	return named
}

// selected is a name with that of its package or variable before it.
var selected = regexp.MustCompile(`\b(\w+)(?:\([^()]*\))?\.([A-Z]\w*)`)

// read notes what programs with modules of their own, and documents, name. It knows no types: a
// name after a dot stands for each function, type or method with it.
func (j *judge) read(dir string) error {
	words := make(map[string]bool)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if _, err := os.Stat(path); err != nil { // so that the result of a test is not cached when it changes
			return err
		}
		inExamples := strings.Contains(filepath.ToSlash(path), "/examples/") && filepath.Ext(path) == ".go"
		if !inExamples && filepath.Ext(path) != ".md" || filepath.Base(path) == "CHANGELOG.md" || filepath.Base(path) == "DESIGN.md" {
			return nil
		}
		text, err := os.ReadFile(path) //nolint:gosec // A file of the repository.
		if err != nil {
			return err
		}
		for _, m := range selected.FindAllStringSubmatch(string(text), -1) {
			words[m[1]+"."+m[2]] = true
			words["."+m[2]] = true
		}
		return nil
	})
	for name := range j.siblings {
		parts := strings.Split(name[strings.LastIndexByte(name, '/')+1:], ".")
		if len(parts) == 2 && words[name[strings.LastIndexByte(name, '/')+1:]] || len(parts) == 3 && words["."+parts[2]] {
			j.programs[name] = true
		}
	}
	return err
}

// declarations judges what a package exports.
func (j *judge) declarations(p *packages.Package) {
	scope := p.Types.Scope()
	for _, name := range scope.Names() {
		o := scope.Lookup(name)
		if !o.Exported() {
			continue
		}
		j.judge(o)
		if named, ok := o.Type().(*types.Named); ok && o == named.Obj() {
			for m := range named.Methods() {
				if m.Exported() {
					j.judge(m)
				}
			}
		}
	}
}

func (j *judge) judge(o types.Object) {
	name := nameOf(o)
	if f, ok := o.(*types.Func); ok {
		if in := internalType(f.Signature()); in != "" {
			j.found[name] = "mentions " + in
			return
		}
	}
	if by := j.siblings[name]; by != "" && !j.programs[name] {
		j.found[name] = "only " + by + " uses it"
	}
}

// internalType returns a type of an internal package in a signature, or "".
func internalType(s *types.Signature) (found string) {
	look := func(tuple *types.Tuple) {
		for v := range tuple.Variables() {
			t := v.Type()
			if a, ok := t.(*types.Alias); ok && a.Obj().Pkg() != nil && isPublic(a.Obj().Pkg().Path()) {
				continue // its own package explains it
			}
			if named := namedOf(t); named != nil && named.Obj().Pkg() != nil && strings.Contains(named.Obj().Pkg().Path(), "protocaller/") &&
				strings.Contains(named.Obj().Pkg().Path()+"/", "/internal/") {
				found = types.TypeString(t, func(p *types.Package) string { return p.Name() })
			}
		}
	}
	look(s.Params())
	look(s.Results())
	return found
}

// Unexplained returns which of the names have no reason in Judged. A reason of a name that is not
// found any more, as an example may have come, does no harm.
func Unexplained(found map[string]string) (unexplained []string) {
	for name, why := range found {
		if Judged[name] == "" {
			unexplained = append(unexplained, name+": "+why)
		}
	}
	slices.Sort(unexplained)
	return unexplained
}
