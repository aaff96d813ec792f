package documents

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

// root is the top folder of the repository.
const root = "../.."

// A document is a file of Markdown.
type document struct {
	path     string // from root
	snippets []snippet
	links    []link
	anchors  map[string]bool // of its headings
	lines    int
}

// A snippet is a block of Go.
type snippet struct {
	line int // its first one
	code string
}

type link struct {
	line         int
	text, target string
}

var (
	fence   = regexp.MustCompile("^\\s*```(\\w*)\\s*$")
	heading = regexp.MustCompile(`^#{1,6}\s+(.*?)\s*#*$`)
	linked  = regexp.MustCompile(`\[([^\]]*)\]\(([^)\s]+)\)`)
	code    = regexp.MustCompile("`[^`]*`")
)

// documents reads all files of Markdown in the repository, but those of test data.
func documents(t *testing.T) map[string]*document {
	found := map[string]*document{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata") {
			return fs.SkipDir
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		found[filepath.ToSlash(name)] = parse(filepath.ToSlash(name), string(text))
		return err
	})
	require.NoError(t, err)
	require.NotEmpty(t, found)
	return found
}

func parse(path, text string) *document {
	d := &document{path: path, anchors: map[string]bool{}}
	inside, language := false, ""
	var block snippet
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		d.lines++
		if m := fence.FindStringSubmatch(line); m != nil {
			if inside && language == "go" {
				d.snippets = append(d.snippets, block)
			}
			inside, language, block = !inside, m[1], snippet{line: i + 2}
			continue
		}
		if inside {
			block.code += line + "\n"
			continue
		}
		if m := heading.FindStringSubmatch(line); m != nil {
			d.addAnchor(anchor(m[1]))
		}
		for _, m := range linked.FindAllStringSubmatchIndex(line, -1) {
			if !inCode(line, m[0]) {
				d.links = append(d.links, link{i + 1, line[m[2]:m[3]], line[m[4]:m[5]]})
			}
		}
	}
	return d
}

// inCode reports whether line[i] is between backquotes.
func inCode(line string, i int) bool {
	for _, m := range code.FindAllStringIndex(line, -1) {
		if m[0] < i && i < m[1] {
			return true
		}
	}
	return false
}

func (d *document) addAnchor(name string) {
	unique := name
	for i := 1; d.anchors[unique]; i++ {
		unique = name + "-" + string(rune('0'+i))
	}
	d.anchors[unique] = true
}

// anchor returns the name that GitHub gives to a heading.
func anchor(heading string) string {
	heading = linked.ReplaceAllString(heading, "$1")
	heading = code.ReplaceAllStringFunc(heading, func(s string) string { return strings.Trim(s, "`") })
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

// packages returns the folders of the public packages of the module.
func packages(t *testing.T) (folders []string) {
	command := exec.Command("go", "list", "-f", "{{if ne .Name \"main\"}}{{.Module.Path}} {{.ImportPath}}{{end}}", "./...")
	command.Dir = root
	out, err := command.Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		module, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		folder := strings.TrimPrefix(name, module+"/")
		if folder != "" && !strings.HasPrefix(folder, "examples/") && !slices.Contains(strings.Split(folder, "/"), "internal") {
			folders = append(folders, folder)
		}
	}
	require.Contains(t, folders, "actors")
	return folders
}

// packageComment returns the text of the comment on a package.
func packageComment(t *testing.T, folder string) string {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, folder, "doc.go"), nil, parser.ParseComments)
	require.NoError(t, err)
	return file.Doc.Text()
}

// blocks returns the blocks of code in the text of a comment. Their lines are those of the text.
func blocks(text string) (found []snippet) {
	var s snippet
	for i, line := range strings.Split(text, "\n") {
		unindented, inside := strings.CutPrefix(line, "\t")
		switch {
		case inside && s.code == "":
			s = snippet{i + 1, unindented + "\n"}
		case inside:
			s.code += unindented + "\n"
		case line == "" && s.code != "":
			s.code += "\n" // the block may go on
		case s.code != "":
			found = append(found, s.trimmed())
			s = snippet{}
		}
	}
	if s.code != "" {
		found = append(found, s.trimmed())
	}
	return found
}

func (s snippet) trimmed() snippet {
	s.code = strings.TrimRight(s.code, "\n") + "\n"
	s.code = strings.ReplaceAll(s.code, "{ ... }", "{\n}")
	return s
}
