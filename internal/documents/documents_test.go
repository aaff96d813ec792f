package documents

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadmeIsShort(t *testing.T) {
	assert.LessOrEqual(t, documents(t)["README.md"].lines, 180, "what is longer belongs into a document beside the code")
}

// A newer measurement goes into both.
func TestReadmeQuotesTheFigures(t *testing.T) {
	figures, err := os.ReadFile(filepath.Join(root, "examples/benchmarks/README.md"))
	require.NoError(t, err)
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	_, section, _ := strings.Cut(string(readme), "## Performance")
	section, _, _ = strings.Cut(section, "## Read on")
	rows := 0
	for line := range strings.Lines(section) {
		if row, ok := strings.CutPrefix(strings.TrimSpace(line), "|"); ok && strings.ContainsAny(row, "0123456789") {
			rows++
			if !strings.Contains(string(figures), row) {
				t.Errorf("examples/benchmarks/README.md has no figure %q", row)
			}
		}
	}
	assert.Equal(t, 6, rows)
}

func TestLinksInsideTheRepositoryLeadSomewhere(t *testing.T) {
	all := documents(t)
	for _, d := range all {
		for _, l := range d.links {
			if strings.Contains(l.target, "://") || strings.HasPrefix(l.target, "mailto:") {
				continue
			}
			file, fragment, _ := strings.Cut(l.target, "#")
			target := d.path
			if file != "" {
				target = path.Join(path.Dir(d.path), file)
			}
			info, err := os.Stat(filepath.Join(root, target))
			if err != nil {
				t.Errorf("%s:%d: %v", d.path, l.line, err)
				continue
			}
			if fragment != "" {
				other := all[target]
				if assert.NotNil(t, other, "%s:%d: %s is no document with headings", d.path, l.line, l.target) {
					assert.True(t, other.anchors[fragment], "%s:%d: no heading for %s", d.path, l.line, l.target)
				}
			}
			// A link from the name of a test leads to the file that has it.
			if name := strings.Trim(l.text, "`"); strings.HasPrefix(l.text, "`Test") && !info.IsDir() {
				text, err := os.ReadFile(filepath.Join(root, target))
				require.NoError(t, err)
				if !strings.Contains(string(text), "func "+name+"(") {
					t.Errorf("%s:%d: %s has no %s", d.path, l.line, target, name)
				}
			}
		}
	}
}

func TestSnippetsCompile(t *testing.T) {
	c := newChecker(t)
	n := 0
	for _, d := range documents(t) {
		for _, err := range c.check(d) {
			t.Error(err)
		}
		n += len(d.snippets)
	}
	assert.NotZero(t, n)
}

func TestCheckerFindsMistakes(t *testing.T) {
	c := newChecker(t)
	for name, tt := range map[string]struct{ code, want string }{
		"a name that there is not": {"actors.CallNow(ctx, c, fetch)", "README.md:3: undefined: actors.CallNow"},
		"another type":             {"var text int = actors.CallSoon(ctx, c, fetch)", "README.md:3: cannot use"},
		"no Go":                    {"value = = 1", "README.md:3"},
		"badly formatted":          {"n  := 1", "README.md:3: not formatted by gofmt"},
	} {
		t.Run(name, func(t *testing.T) {
			errs := c.check(parse("README.md", "# A\n```go\n"+tt.code+"\n```\n"))
			require.NotEmpty(t, errs)
			assert.ErrorContains(t, errs[0], tt.want)
		})
	}
	assert.Empty(t, c.check(parse("README.md", "```go\nvalue, err := actors.CallSoon(ctx, c, fetch).Wait(ctx)\n```\n")))
}

func TestAnchorsAreThoseOfGitHub(t *testing.T) {
	for heading, want := range map[string]string{
		"What is guaranteed":               "what-is-guaranteed",
		"`Call`, and what it costs":        "call-and-what-it-costs",
		"From [async-kernel](x): the way!": "from-async-kernel-the-way",
	} {
		assert.Equal(t, want, anchor(heading))
	}
	d := parse("a.md", "# A\n## A\n")
	assert.True(t, d.anchors["a"] && d.anchors["a-1"])
}

func TestEachPackageIsDescribed(t *testing.T) {
	c := newChecker(t)
	for _, name := range packages(t) {
		t.Run(name, func(t *testing.T) {
			text := packageComment(t, name)
			for _, section := range []string{"# The names you need", "# Limits"} {
				if !strings.Contains(text, "\n"+section+"\n") {
					t.Errorf("%s/doc.go has no section %q", name, section)
				}
			}
			found := blocks(text)
			require.NotEmpty(t, found, "there is no example")
			d := &document{path: name + "/doc.go", snippets: found[:1]}
			for _, s := range found[1:] {
				if _, err := c.parse(d.path, s); err == nil { // else it is a table, say
					d.snippets = append(d.snippets, s)
				}
			}
			for _, err := range c.check(d) {
				t.Error(err)
			}
		})
	}
}
