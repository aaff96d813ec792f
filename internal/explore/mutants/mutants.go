// Package mutants is for tests: it changes the code of the package under test, one statement
// or condition at a time, and has the test of that package say whether it finds the change.
package mutants

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/printer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	all = flag.Bool("explore.mutants", false, "explore each mutant, which takes long")
	one = flag.String("explore.mutant", "", "used by it: the number of mutants, and which of them to explore")
)

const (
	atATime  = 2   // programs that explore mutants
	sampleOf = 150 // one candidate of so many is in the sample
)

// Set makes the program one of its mutants; 0 is none. Reset has loops begin to count anew.
// Both are set by the file that [Suite.Run] adds.
var (
	Set   func(n int)
	Reset = func() {}
)

// Suite is the code that is changed, and what looks for the changes.
type Suite struct {
	// Package is the name of the package in the folder of the test.
	Package string
	// Has reports whether a file is changed.
	Has func(name string) bool
	// Harmless are the mutants that change nothing that can be seen, with the reason. They
	// are named by their file and text; a line number would change too often.
	Harmless map[string]string
	// Explore returns what it finds in the program as it is, or "".
	Explore func() string
}

// Run deletes each statement, and negates each condition, one at a time. Explore must find
// something. All mutants are in one program, which a number makes one of them, because it
// takes much longer to build a program than to explore it. That program runs the test
// TestMutant, which calls [Suite.RunOne]. Without -explore.mutants Run takes a few.
func (s Suite) Run(t *testing.T) {
	m := newMutator(t, s)
	dir := t.TempDir()
	overlay := m.write(t, dir)
	binary := filepath.Join(dir, "mutants.test")
	run(t, "go", "test", "-c", "-overlay", overlay, "-o", binary, ".")

	for i, mutant := range m.mutants {
		t.Logf("mutant %d: %s", i+1, mutant)
	}
	survivors := m.explore(t, binary)
	compiled := len(m.mutants)
	require.NotZero(t, compiled)
	t.Logf("%d mutants compile, %d do not; %d are found: %.1f %%",
		compiled, m.broken, compiled-len(survivors), 100*float64(compiled-len(survivors))/float64(compiled))
	unexplained := 0
	for _, n := range survivors {
		reason := s.Harmless[m.mutants[n-1].file+": "+m.mutants[n-1].text]
		if reason == "" {
			unexplained++
			reason = "?"
		}
		t.Logf("survives: %s: %s", m.mutants[n-1], reason)
	}
	if *all { // few may be unlucky
		assert.GreaterOrEqual(t, 100*(compiled-len(survivors)), 95*compiled)
	}
	assert.Zero(t, unexplained, "mutants that survive, without a reason in Harmless")
}

// RunOne explores mutants, in the program that [Suite.Run] builds.
func (s Suite) RunOne(t *testing.T) {
	if *one == "" {
		t.Skip("TestMutants runs it, in a program that has the mutants")
	}
	require.NotNil(t, Set)
	var n, shard int
	_, err := fmt.Sscanf(*one, "%d,%d", &n, &shard)
	require.NoError(t, err)
	Set(0)
	require.Empty(t, s.Explore(), "what is not changed")
	for i := shard + 1; i <= n; i += atATime {
		Set(i)
		fmt.Printf("mutant %d: %s\n", i, s.Explore())
	}
}

// mutant is a change of the program.
type mutant struct {
	file string
	line int
	text string
	at   int // the number of the candidate in its file
}

func (m mutant) String() string { return fmt.Sprintf("%s:%d: %s", m.file, m.line, m.text) }

type mutator struct {
	Suite
	files   []string          // that are changed
	source  map[string]string // of all files of the package
	mutants []mutant
	broken  int
	imports types.Importer
}

const mutantFile = `package %s

var (
	mutantNow   int
	mutantTicks int
)

func mutated(n int) bool { return mutantNow == n }

func mutantTick() {
	if mutantTicks++; mutantTicks > 5_000_000 {
		panic("a loop without an end")
	}
}
`

const mutantTestFile = `package %s

import "github.com/seed-7fcaac1b/protocaller/internal/explore/mutants"

func init() {
	mutants.Set = func(n int) { mutantNow, mutantTicks = n, 0 }
	mutants.Reset = func() { mutantTicks = 0 }
}
`

func newMutator(t *testing.T, s Suite) *mutator {
	m := &mutator{Suite: s, source: map[string]string{"mutant.go": fmt.Sprintf(mutantFile, s.Package)}}
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name) //nolint:gosec // A file of this package.
		require.NoError(t, err)
		m.source[name] = string(text)
		if s.Has(name) {
			m.files = append(m.files, name)
		}
	}
	exports := make(map[string]string)
	for line := range strings.Lines(run(t, "go", "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}", ".")) {
		path, export, _ := strings.Cut(strings.TrimSpace(line), "\t")
		exports[path] = export
	}
	lookup := func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }
	m.imports = importer.ForCompiler(token.NewFileSet(), "gc", lookup)
	n := 0
	for _, name := range m.files {
		for _, c := range m.candidates(t, name) {
			if n++; !*all && n%sampleOf != 0 {
				continue
			}
			if m.compiles(t, name, func(at int) int {
				if at == c.at {
					return 1
				}
				return 0
			}) {
				m.mutants = append(m.mutants, c)
			} else {
				m.broken++
			}
		}
	}
	return m
}

// candidates are all the mutants of a file.
func (m *mutator) candidates(t *testing.T, name string) (of []mutant) {
	fset, file := parse(t, name, m.source[name])
	change(file, func(at int, node ast.Node, what string) int {
		var b bytes.Buffer
		require.NoError(t, printer.Fprint(&b, fset, node))
		text, more, _ := strings.Cut(b.String(), "\n")
		if more != "" {
			text += " ..."
		}
		of = append(of, mutant{name, fset.Position(node.Pos()).Line, what + " " + text, at})
		return 0
	})
	return of
}

func parse(t *testing.T, name, source string) (*token.FileSet, *ast.File) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, source, parser.SkipObjectResolution)
	require.NoError(t, err)
	return fset, file
}

// mutate returns a file in which the candidates have the numbers that number returns; 0
// leaves one out.
func (m *mutator) mutate(t *testing.T, name string, number func(at int) int) string {
	fset, file := parse(t, name, m.source[name])
	change(file, func(at int, _ ast.Node, _ string) int { return number(at) })
	var b bytes.Buffer
	require.NoError(t, printer.Fprint(&b, fset, file))
	return b.String()
}

func (m *mutator) compiles(t *testing.T, name string, number func(at int) int) bool {
	fset := token.NewFileSet()
	var files []*ast.File
	for n, source := range m.source {
		if n == name {
			source = m.mutate(t, name, number)
		}
		file, err := parser.ParseFile(fset, n, source, parser.SkipObjectResolution)
		require.NoError(t, err)
		files = append(files, file)
	}
	config := types.Config{Importer: m.imports, Error: func(error) {}}
	_, err := config.Check(m.Package, fset, files, nil)
	return err == nil
}

// write writes the mutated files, and the overlay that has the compiler use them.
func (m *mutator) write(t *testing.T, dir string) (overlay string) {
	here, err := os.Getwd()
	require.NoError(t, err)
	replace := make(map[string]string)
	add := func(name, text string) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		replace[filepath.Join(here, name)] = path
	}
	add("mutant.go", fmt.Sprintf(mutantFile, m.Package))
	add("mutant_set_test.go", fmt.Sprintf(mutantTestFile, m.Package))
	for _, name := range m.files {
		add(name, m.mutate(t, name, func(at int) int {
			return 1 + slices.IndexFunc(m.mutants, func(c mutant) bool { return c.file == name && c.at == at })
		}))
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	overlay = filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(overlay, text, 0o600))
	return overlay
}

// explore explores all mutants, and returns the numbers of those of which nothing is found.
func (m *mutator) explore(t *testing.T, binary string) (survivors []int) {
	outputs := make(chan string)
	for shard := range atATime {
		go func() {
			of := fmt.Sprintf("%d,%d", len(m.mutants), shard)
			var out, stderr bytes.Buffer
			command := exec.CommandContext(t.Context(), binary, "-test.run=TestMutant$", "-test.timeout=0", "-explore.mutant="+of) //nolint:gosec // Our own.
			command.Stdout = io.MultiWriter(&out, os.Stdout)                                                                       // it takes minutes
			command.Stderr = &stderr
			if err := command.Run(); err != nil {
				fmt.Fprintln(&out, err, stderr.String())
			}
			outputs <- out.String()
		}()
	}
	seen := make(map[int]bool)
	for range atATime {
		out := <-outputs
		for line := range strings.Lines(out) {
			rest, ok := strings.CutPrefix(line, "mutant ")
			if !ok {
				continue
			}
			number, found, _ := strings.Cut(rest, ":")
			n, err := strconv.Atoi(number)
			require.NoError(t, err)
			seen[n] = true
			if strings.TrimSpace(found) == "" {
				survivors = append(survivors, n)
			}
		}
		if !strings.Contains(out, "PASS") {
			assert.Fail(t, "the exploration has not ended", out)
		}
	}
	assert.Len(t, seen, len(m.mutants))
	slices.Sort(survivors)
	return survivors
}

func run(t *testing.T, name string, args ...string) string {
	var stderr bytes.Buffer
	command := exec.CommandContext(t.Context(), name, args...)
	command.Stderr = &stderr
	out, err := command.Output()
	require.NoError(t, err, stderr.String())
	return string(out)
}

// change numbers the statements and the conditions of a file. It changes those for which
// number does not return 0: the program with that number does without them, or negates them.
func change(file *ast.File, number func(at int, node ast.Node, what string) int) {
	c := &changer{number: number}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Body != nil {
			c.block(f.Body.List)
		}
	}
}

type changer struct {
	at     int
	number func(at int, node ast.Node, what string) int
}

func (c *changer) next(node ast.Node, what string) int {
	c.at++
	return c.number(c.at, node, what)
}

func isMutant(n int) ast.Expr {
	return &ast.CallExpr{Fun: ast.NewIdent("mutated"), Args: []ast.Expr{&ast.BasicLit{Kind: token.INT, Value: strconv.Itoa(n)}}}
}

func (c *changer) negate(x ast.Expr) ast.Expr {
	if n := c.next(x, "negate"); n != 0 {
		return &ast.BinaryExpr{X: &ast.ParenExpr{X: x}, Op: token.NEQ, Y: isMutant(n)}
	}
	return x
}

func (c *changer) block(list []ast.Stmt) {
	for i, s := range list {
		n := 0
		switch s := s.(type) {
		case *ast.DeclStmt: // what is declared is used
		case *ast.AssignStmt:
			if s.Tok != token.DEFINE {
				n = c.next(s, "delete")
			}
		default:
			n = c.next(s, "delete")
		}
		c.inside(s)
		if n != 0 {
			list[i] = &ast.IfStmt{
				Cond: &ast.UnaryExpr{Op: token.NOT, X: isMutant(n)},
				Body: &ast.BlockStmt{List: []ast.Stmt{s}},
			}
		}
	}
}

// inside changes what is in a statement.
func (c *changer) inside(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.IfStmt:
		s.Cond = c.negate(s.Cond)
		c.block(s.Body.List)
		if s.Else != nil {
			c.inside(s.Else)
		}
	case *ast.BlockStmt:
		c.block(s.List)
	case *ast.ForStmt:
		if s.Cond != nil {
			s.Cond = c.negate(s.Cond)
		}
		c.block(s.Body.List)
		s.Body.List = append([]ast.Stmt{tickStmt()}, s.Body.List...)
	case *ast.RangeStmt:
		c.block(s.Body.List)
	case *ast.SwitchStmt:
		for _, clause := range s.Body.List {
			clause := clause.(*ast.CaseClause)
			if s.Tag == nil {
				for i := range clause.List {
					clause.List[i] = c.negate(clause.List[i])
				}
			}
			c.block(clause.Body)
		}
	case *ast.TypeSwitchStmt:
		for _, clause := range s.Body.List {
			c.block(clause.(*ast.CaseClause).Body)
		}
	case *ast.ReturnStmt:
		for i, x := range s.Results {
			if isCondition(x) {
				s.Results[i] = c.negate(x)
			}
		}
	}
}

func tickStmt() ast.Stmt {
	return &ast.ExprStmt{X: &ast.CallExpr{Fun: ast.NewIdent("mutantTick")}}
}

// isCondition reports whether an expression looks like one.
func isCondition(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.BinaryExpr:
		switch x.Op {
		case token.LAND, token.LOR, token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ:
			return true
		}
	case *ast.UnaryExpr:
		return x.Op == token.NOT
	}
	return false
}
