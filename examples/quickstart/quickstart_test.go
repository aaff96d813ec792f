package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/clitest"
)

func TestEmptyDirectory(t *testing.T) {
	assert.Equal(t, clitest.Outcome{Stdout: text(
		"files       0",
		"bytes       0",
		"duplicates  0 (0 bytes)",
		"unreadable  0",
		"",
		"quickstart, running",
		"└── tally, running",
	)}, runArgs(t, t.TempDir()))
}

func TestFilesAreCountedAndCopiesFound(t *testing.T) {
	dir := makeTree(t, map[string]string{
		"a":                  "same",
		"deep/er/b":          "same",
		"deep/er/still/c":    "same",
		"deep/other":         "other",
		"empty":              "",
		"name with\nnewline": "",
		"not utf-8 \xff":     "binary",
	})
	require.NoError(t, os.Mkdir(filepath.Join(dir, "no files"), 0o700))
	got := runArgs(t, "-workers", "2", dir)
	assert.Zero(t, got.Status)
	assert.Empty(t, got.Stderr)
	assert.Contains(t, got.Stdout, text("files       7", "bytes       23", "duplicates  3 (8 bytes)"))
	assert.Contains(t, got.Stdout, text("unreadable  0"))
}

func TestSlowestFileAndTreeArePrinted(t *testing.T) {
	dir := makeTree(t, map[string]string{"with\nnewline": "123456789"})
	assert.Equal(t, clitest.Outcome{Stdout: text(
		"files       1",
		"bytes       9",
		"duplicates  0 (0 bytes)",
		"slowest     T, "+dir+"/with?newline",
		"unreadable  0",
		"",
		"quickstart, running",
		"├── $1, running",
		"└── tally, running",
	)}, runArgs(t, "-workers", "1", dir))
}

func TestLinksAreNotFollowed(t *testing.T) {
	dir := makeTree(t, map[string]string{"sub/file": "content"})
	for link, target := range map[string]string{
		"sub/loop":  "..",
		"self":      "self",
		"dangling":  "nowhere",
		"directory": "sub",
		"to a file": "sub/file",
	} {
		require.NoError(t, os.Symlink(target, filepath.Join(dir, link)))
	}
	for name, arg := range map[string]string{
		"a directory with links": dir,
		"a link to a directory":  filepath.Join(dir, "sub", "loop"),
	} {
		t.Run(name, func(t *testing.T) {
			got := runArgs(t, arg)
			assert.Zero(t, got.Status)
			assert.Contains(t, got.Stdout, text("files       1", "bytes       7"))
			assert.Contains(t, got.Stdout, text("unreadable  0"))
		})
	}
}

func TestUnusableArguments(t *testing.T) {
	dir := makeTree(t, map[string]string{"file": ""})
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"none":               {nil, "one directory is needed, not 0; try -help"},
		"too many":           {[]string{dir, dir}, "one directory is needed, not 2; try -help"},
		"a flag to print":    {[]string{"-\x1b[2J"}, "flag provided but not defined: -?[2J"},
		"an unknown flag":    {[]string{"-x", dir}, "flag provided but not defined: -x"},
		"no workers":         {[]string{"-workers", "0", dir}, "-workers 0: it must be from 1 to 1024"},
		"negative workers":   {[]string{"-workers", "-1", dir}, "-workers -1: it must be from 1 to 1024"},
		"too many workers":   {[]string{"-workers", "1025", dir}, "-workers 1025: it must be from 1 to 1024"},
		"no directory":       {[]string{dir + "/nope"}, "stat " + dir + "/nope: no such file or directory"},
		"a file":             {[]string{dir + "/file"}, dir + "/file is not a directory"},
		"a name to print":    {[]string{"\x1b[2J"}, "stat ?[2J: no such file or directory"},
		"a file as a parent": {[]string{dir + "/file/x"}, "stat " + dir + "/file/x: not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, clitest.Outcome{Status: 2, Stderr: "quickstart: " + tt.want + "\n"}, runArgs(t, tt.args...))
		})
	}
}

func TestHelp(t *testing.T) {
	assert.Equal(t, clitest.Outcome{Stdout: usage}, clitest.Execute(t, nil, "-help"))
}
