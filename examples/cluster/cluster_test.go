package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/clitest"
)

func TestLocalMembersHashTheFiles(t *testing.T) {
	t.Parallel()
	dir := makeTree(t, 3000)
	require.NoError(t, os.Symlink(dir, filepath.Join(dir, "loop")))
	p := start(t, "-local", "3", dir)
	members := p.members(3)
	got := p.end()
	assert.Zero(t, got.Status, got.Stderr)
	assert.Contains(t, got.Stdout, "files       3000\nbytes       15000\nduplicates  1500\nunreadable  0\n")
	for _, m := range members {
		assert.Contains(t, got.Stdout, "member      "+m.address+" read ")
	}
}

func TestMembersThatAreKilledLoseNothing(t *testing.T) {
	t.Parallel()
	p := start(t, "-local", "3", makeTree(t, 3000))
	members := p.members(3)
	members[0].kill(t) // before the files are begun, and etcd says for seconds that it lives
	members[1].kill(t)
	got := p.end()
	assert.Zero(t, got.Status, got.Stderr)
	assert.Contains(t, got.Stdout, "files       3000\nbytes       15000\nduplicates  1500\nunreadable  0\n")
	assert.Contains(t, got.Stdout, "member      "+members[2].address+" read 3000 files\n")
}

func TestWhatCannotBeReadIsReported(t *testing.T) {
	t.Parallel()
	dir := makeTree(t, 10)
	secret := filepath.Join(dir, "secret\nfile")
	require.NoError(t, os.Symlink("/proc/self/mem", filepath.Join(dir, "link")))
	require.NoError(t, os.WriteFile(secret, nil, 0))
	got := start(t, "-local", "1", dir).end()
	if os.Geteuid() == 0 { // who may read everything
		assert.Contains(t, got.Stdout, "files       11\n")
		return
	}
	assert.Equal(t, cli.StatusFailed, got.Status, got.Stderr)
	assert.Contains(t, got.Stdout, "files       10\n")
	assert.Contains(t, got.Stdout, "unreadable  1\n")
	assert.Contains(t, got.Stdout, "secret?file: permission denied\n")
}

func TestEmptyDirectory(t *testing.T) {
	t.Parallel()
	got := start(t, "-local", "1", t.TempDir()).end()
	assert.Zero(t, got.Status, got.Stderr)
	assert.Equal(t, "files       0\nbytes       0\nduplicates  0\nunreadable  0\n", got.Stdout)
}

func TestMembersOfOtherTerminalsJoin(t *testing.T) {
	t.Parallel()
	etcd, err := freeAddress()
	require.NoError(t, err)
	hashing := start(t, "-etcd", etcd, makeTree(t, 100))
	assert.Equal(t, "waiting for members: go run . -join "+etcd+"\n", hashing.line())
	member := start(t, "-join", etcd)
	got := hashing.end()
	member.printed("member ")
	member.signal(os.Interrupt)
	assert.Zero(t, got.Status, got.Stderr)
	assert.Contains(t, got.Stdout, "files       100\n")
	assert.Zero(t, member.end().Status)
}

func TestSignalEndsItWithWhatWasDone(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			endless := makeEndless(t, dir)
			p := start(t, "-local", "1", dir)
			waitUntilOpen(t, p.members(1)[0].pid, endless)
			p.signal(signal)
			got := p.end()
			assert.Equal(t, cli.StatusInterrupted, got.Status)
			assert.Contains(t, got.Stdout, "files       0\n")
			assert.True(t, strings.HasSuffix(got.Stderr, "cluster: interrupted before all files were read\n"), got.Stderr)
		})
	}
}

func TestMemberSaysWhatItWaitsForUntilASignal(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			nowhere, err := freeAddress()
			require.NoError(t, err)
			p := start(t, "-join", nowhere)
			assert.Equal(t, "waiting for the etcd at "+nowhere+", for 20s at most\n", p.line())
			p.signal(signal)
			got := p.end()
			assert.Equal(t, cli.StatusInterrupted, got.Status)
			assert.Empty(t, got.Stdout)
			assert.True(t, strings.HasSuffix(got.Stderr, "\ncluster: interrupted before all files were read\n"), got.Stderr)
		})
	}
}

func TestResultThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	clitest.CheckUnwritable(t, command, "-help")
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	defer full.Close()
	cmd := clitest.Command(t, "-local", "1", makeTree(t, 1))
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = full, &stderr
	_ = cmd.Run() // the exit status says it
	assert.Equal(t, cli.StatusFailed, cmd.ProcessState.ExitCode())
	assert.True(t, strings.HasSuffix(stderr.String(), "cluster: write /dev/stdout: no space left on device\n"), &stderr)
}

func TestHelp(t *testing.T) {
	assert.Equal(t, clitest.Outcome{Stdout: usage}, clitest.Execute(t, nil, "-help"))
}

func TestUnusableArguments(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"none":                      {nil, "one directory is needed, not 0; try -help"},
		"an unknown flag":           {[]string{"-x", dir}, "flag provided but not defined: -x"},
		"too many members":          {[]string{"-local", "33", dir}, "-local 33: it must be from 0 to 32"},
		"a negative number of them": {[]string{"-local", "-1", dir}, "-local -1: it must be from 0 to 32"},
		"a flag to print":           {[]string{"-\x1b[2J"}, "flag provided but not defined: -?[2J"},
		"an etcd without a port":    {[]string{"-etcd", "h\a:0", dir}, "-etcd h?:0: a port is needed"},
		"a member of nothing":       {[]string{"-join", "\a"}, "-join ?: address ?: missing port in address"},
		"a member with a directory": {[]string{"-join", "x", dir}, "a member is told which files to read: -join takes no directory"},
		"a file":                    {[]string{file}, file + " is not a directory"},
		"no directory":              {[]string{dir + "/nope"}, "stat " + dir + "/nope: no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			assert.Equal(t, cli.StatusUsage, run(context.Background(), tt.args, nil, &stdout, &stderr))
			assert.Equal(t, fmt.Sprintf("cluster: %s\n", tt.want), stderr.String())
			assert.Empty(t, stdout.String())
		})
	}
}
