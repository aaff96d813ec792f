// Package layering finds the references that run against the order of a package's files.
// It is for tests.
package layering

import (
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
)

// Upward returns, one by one, the uses of functions and methods that a file of a higher
// layer declares. It looks at the package of dir. The layers are lists of file names, the
// lowest first; files of one layer may use each other. A use of a type, of a field, or of a
// method through an interface does not count: it does not need to know the code behind it.
//
// The error names the files of the package that are in no layer, or not exactly in one.
func Upward(dir string, layers [][]string) ([]string, error) {
	fset := token.NewFileSet()
	var files []*ast.File
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	layerOf, err := layerOf(fset, files, layers)
	if err != nil {
		return nil, err
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}}
	config := types.Config{Importer: stubs{}, Error: func(error) {}} // what is imported stays unknown
	pkg, _ := config.Check(dir, fset, files, info)
	var upward []string
	for id, used := range info.Uses {
		fn, ok := used.(*types.Func)
		if !ok || fn.Pkg() != pkg || isOfInterface(fn) {
			continue
		}
		from, to := fset.Position(id.Pos()), fset.Position(fn.Origin().Pos())
		if layerOf[filepath.Base(from.Filename)] < layerOf[filepath.Base(to.Filename)] {
			upward = append(upward, fmt.Sprintf("%s:%d uses %s of %s",
				filepath.Base(from.Filename), from.Line, fn.Name(), filepath.Base(to.Filename)))
		}
	}
	slices.Sort(upward)
	return upward, nil
}

func layerOf(fset *token.FileSet, files []*ast.File, layers [][]string) (map[string]int, error) {
	layerOf := map[string]int{}
	var errs []error
	for i, layer := range layers {
		for _, name := range layer {
			if _, twice := layerOf[name]; twice {
				errs = append(errs, fmt.Errorf("%s is in two layers", name))
			}
			layerOf[name] = i
		}
	}
	for _, file := range files {
		name := filepath.Base(fset.Position(file.Pos()).Filename)
		if _, ok := layerOf[name]; !ok {
			errs = append(errs, fmt.Errorf("%s is in no layer", name))
		}
	}
	return layerOf, errors.Join(errs...)
}

func isOfInterface(fn *types.Func) bool {
	recv := fn.Signature().Recv()
	return recv != nil && types.IsInterface(recv.Type())
}

// stubs imports the standard library, and nothing else: an empty package stands for it.
type stubs struct{}

var standard = importer.Default()

// Import implements [types.Importer].
func (stubs) Import(path string) (*types.Package, error) {
	if !strings.Contains(path, ".") {
		if pkg, err := standard.Import(path); err == nil {
			return pkg, nil
		}
	}
	pkg := types.NewPackage(path, path[strings.LastIndexByte(path, '/')+1:])
	pkg.MarkComplete()
	return pkg, nil
}
