package documents

import (
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The names that snippets may use without saying where they come from.
const names = "testdata/names.go"

// A checker checks the types of snippets. A snippet is either declarations, which the other
// snippets of its document see, or the body of a function.
type checker struct {
	files    *token.FileSet
	imports  string // the declaration of all that names imports
	names    *ast.File
	importer types.Importer
}

func newChecker(t *testing.T) *checker {
	c := &checker{files: token.NewFileSet()}
	var err error
	c.names, err = parser.ParseFile(c.files, names, nil, 0)
	require.NoError(t, err)
	list := []string{"list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}"}
	for _, spec := range c.names.Imports {
		c.imports += "import " + spec.Path.Value + "; "
		list = append(list, strings.Trim(spec.Path.Value, `"`))
	}
	command := exec.Command("go", list...)
	command.Stderr = os.Stderr
	out, err := command.Output()
	require.NoError(t, err)
	compiled := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		compiled[name] = file
	}
	c.importer = importer.ForCompiler(c.files, "gc", func(path string) (io.ReadCloser, error) {
		if compiled[path] == "" {
			return nil, fmt.Errorf("%s is not imported by %s", path, names)
		}
		return os.Open(compiled[path])
	})
	return c
}

// check returns what is wrong with the snippets of a document.
func (c *checker) check(d *document) (errs []error) {
	files := []*ast.File{c.names}
	for _, s := range d.snippets {
		file, err := c.parse(d.path, s)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		files = append(files, file)
		if formatted, err := format.Source([]byte(s.code)); err == nil && string(formatted) != s.code {
			errs = append(errs, fmt.Errorf("%s:%d: not formatted by gofmt", d.path, s.line))
		}
	}
	config := types.Config{Importer: c.importer, Error: func(err error) {
		var found types.Error
		if errors.As(err, &found) && found.Soft {
			return // not used: a snippet is not the whole of a program
		}
		errs = append(errs, place(found.Fset.Position(found.Pos), found.Msg))
	}}
	_, _ = config.Check(d.path, c.files, files, nil) // its error is the first of those
	return errs
}

func (c *checker) parse(path string, s snippet) (*ast.File, error) {
	// The directive gives errors the place in the document. It is relative to the folder of the
	// file, which has no name here.
	begin := "package documents; " + c.imports
	directive := fmt.Sprintf("\n//line %s:%d\n", filepath.ToSlash(path), s.line)
	file, err := parser.ParseFile(c.files, "", begin+directive+s.code, parser.SkipObjectResolution)
	if err == nil {
		return file, nil
	}
	file, inFunction := parser.ParseFile(c.files, "", begin+"func _() {"+directive+s.code+"}", parser.SkipObjectResolution)
	if inFunction == nil {
		return file, nil
	}
	return nil, inFunction
}

func place(p token.Position, text string) error {
	return fmt.Errorf("%s:%d: %s", p.Filename, p.Line, text)
}
