package mutate

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/printer"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/explore/instrument"
)

// mutant is a change of the program.
type mutant struct {
	file string
	line int
	text string
	at   int // the number of the candidate in its file
}

func (m mutant) String() string { return fmt.Sprintf("%s:%d: %s", m.file, m.line, m.text) }

type mutator struct {
	Subject
	names   []string // of the files that are changed
	mutants []mutant
	broken  int
	exports map[string]string
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

const mutantSetFile = `package %s

import "github.com/seed-7fcaac1b/protocaller/internal/explore/mutate"

func init() {
	mutate.Set = func(n int) { mutantNow, mutantTicks = n, 0 }
	mutate.Reset = func() { mutantTicks = 0 }
}
`

func newMutator(t *testing.T, s Subject) *mutator {
	m := &mutator{Subject: s, exports: make(map[string]string)}
	var candidates []mutant
	for _, name := range slices.Sorted(maps.Keys(s.Files)) {
		if s.Changes(name) {
			m.names = append(m.names, name)
			candidates = append(candidates, m.candidates(t, name)...)
		}
	}
	list := instrument.Run(t, "go", append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}"}, m.imports(t)...)...)
	for line := range strings.Lines(list) {
		path, export, _ := strings.Cut(strings.TrimSpace(line), "\t")
		m.exports[path] = export
	}
	only := regexp.MustCompile(*one)
	for i, c := range candidates {
		if every := len(candidates)/sample + 1; !*all && *one == "" && i%every != every/2 || !only.MatchString(c.String()) {
			continue
		}
		if m.compiles(t, c) {
			m.mutants = append(m.mutants, c)
		} else {
			m.broken++
		}
	}
	return m
}

// imports are the packages that the files import.
func (m *mutator) imports(t *testing.T) []string {
	paths := make(map[string]bool)
	for _, files := range []map[string]string{m.Files, m.Beside} {
		for name, text := range files {
			_, file := parse(t, name, m.finished(text))
			for _, spec := range file.Imports {
				path, err := strconv.Unquote(spec.Path.Value)
				require.NoError(t, err)
				paths[path] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(paths))
}

// candidates are all the mutants of a file.
func (m *mutator) candidates(t *testing.T, name string) (of []mutant) {
	fset, file := parse(t, name, m.Files[name])
	m.change(file, func(at int, node ast.Node, what string) int {
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
	fset, file := parse(t, name, m.Files[name])
	m.change(file, func(at int, _ ast.Node, _ string) int { return number(at) })
	var b bytes.Buffer
	require.NoError(t, printer.Fprint(&b, fset, file))
	return m.finished(b.String())
}

// finished is the text of a file as it is compiled.
func (m *mutator) finished(text string) string {
	if m.Instrumented {
		return instrument.Source(text)
	}
	return text
}

func (m *mutator) compiles(t *testing.T, c mutant) bool {
	fset := token.NewFileSet()
	var files []*ast.File
	add := func(name, text string) {
		file, err := parser.ParseFile(fset, name, text, parser.SkipObjectResolution)
		require.NoError(t, err)
		files = append(files, file)
	}
	for name, text := range m.Files {
		if name == c.file {
			text = m.mutate(t, name, func(at int) int {
				if at == c.at {
					return 1
				}
				return 0
			})
		} else {
			text = m.finished(text)
		}
		add(name, text)
	}
	for name, text := range m.Beside {
		add(name, text)
	}
	add("mutant.go", fmt.Sprintf(mutantFile, m.Package))
	lookup := func(path string) (io.ReadCloser, error) { return os.Open(m.exports[path]) }
	config := types.Config{Importer: importer.ForCompiler(token.NewFileSet(), "gc", lookup), Error: func(error) {}}
	_, err := config.Check(m.Package, fset, files, nil)
	return err == nil
}

// write returns the files of a program that has all mutants.
func (m *mutator) write(t *testing.T) map[string]string {
	files := map[string]string{
		filepath.Join(m.Dir, "mutant.go"):     fmt.Sprintf(mutantFile, m.Package),
		filepath.Join(m.Dir, "mutant_set.go"): fmt.Sprintf(mutantSetFile, m.Package),
	}
	for name, text := range m.Elsewhere {
		files[name] = m.finished(text)
	}
	for name, text := range m.Files {
		files[filepath.Join(m.Dir, name)] = m.finished(text)
	}
	for _, name := range m.names {
		files[filepath.Join(m.Dir, name)] = m.mutate(t, name, func(at int) int {
			return 1 + slices.IndexFunc(m.mutants, func(c mutant) bool { return c.file == name && c.at == at })
		})
	}
	return files
}

// explore explores all mutants, and returns the numbers of those of which nothing is found.
func (m *mutator) explore(t *testing.T, program string) (survivors []int) {
	type result struct {
		found map[int]bool
		err   error
	}
	results := make(chan result)
	for shard := range atATime {
		go func() {
			r := result{found: make(map[int]bool)}
			for next := shard + 1; next <= len(m.mutants) && r.err == nil; next += atATime {
				next, r.err = m.exploreFrom(t, program, next, r.found)
			}
			results <- r
		}()
	}
	seen := make(map[int]bool)
	for range atATime {
		r := <-results
		require.NoError(t, r.err)
		for n, found := range r.found {
			seen[n] = true
			if !found {
				survivors = append(survivors, n)
			}
		}
	}
	assert.Len(t, seen, len(m.mutants))
	slices.Sort(survivors)
	return survivors
}

// exploreFrom explores every other mutant from one on, and returns the last one. That has ended
// the program, as with a stack that is too large, or is the last one of all.
func (m *mutator) exploreFrom(t *testing.T, program string, first int, found map[int]bool) (last int, err error) {
	var out, stderr bytes.Buffer
	of := fmt.Sprintf("%d,%d", len(m.mutants), first)
	command := exec.CommandContext(t.Context(), program, "-test.run=TestMutant$", "-test.timeout=0", "-explore.mutant="+of) //nolint:gosec // Our own.
	command.Stdout = io.MultiWriter(&out, os.Stdout)                                                                        // it takes minutes
	command.Stderr = &stderr
	ended := command.Run()
	last = first - atATime
	for line := range strings.Lines(out.String()) {
		rest, ok := strings.CutPrefix(line, "mutant ")
		if !ok {
			continue
		}
		number, how, _ := strings.Cut(rest, ":")
		if last, err = strconv.Atoi(number); err != nil {
			return last, err
		}
		found[last] = strings.TrimSpace(how) != ""
	}
	if ended == nil {
		return len(m.mutants), nil
	}
	if last += atATime; last > len(m.mutants) || t.Context().Err() != nil || !strings.Contains(stderr.String(), "fatal error: ") {
		return last, fmt.Errorf("the exploration has not ended: %w\n%s%s", ended, &out, &stderr)
	}
	fmt.Printf("mutant %d: the program has ended\n", last)
	found[last] = true
	return last, nil
}
