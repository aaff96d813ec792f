package rpc

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The functions and methods of package time that give, or use, the time of the wall clock.
var ofWallClock = []string{
	"Unix", "UnixMilli", "UnixMicro", "UnixNano", "Date", "Parse", "ParseInLocation", "Format", "AppendFormat", "MarshalBinary",
	"MarshalText", "MarshalJSON", "UTC", "Local", "In", "Round", "Truncate", "Weekday", "YearDay", "GobEncode", "AddDate",
}

// Clocks may be set, and those of two nodes are never the same. So no time goes over the wire,
// only what is left of it. Nor does a node compare times that have lost their monotonic
// reading. Certificates are the exception, whose times package crypto/tls looks at.
func TestNothingDependsOnTheWallClock(t *testing.T) {
	for _, folder := range []string{".", "internal/session", "internal/wire"} {
		names, err := filepath.Glob(filepath.Join(folder, "*.go"))
		require.NoError(t, err)
		require.NotEmpty(t, names)
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			imports := slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"time"` })
			assert.False(t, imports && folder == "internal/wire", "%s: there is no time in what is sent", name)
			if !imports {
				continue
			}
			ast.Inspect(file, func(node ast.Node) bool {
				if s, ok := node.(*ast.SelectorExpr); ok && slices.Contains(ofWallClock, s.Sel.Name) {
					assert.Fail(t, "the time of the wall clock", "%v: %s", fset.Position(s.Pos()), s.Sel.Name)
				}
				return true
			})
		}
	}
}
