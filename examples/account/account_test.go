//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/clitest"
)

func TestMain(m *testing.M) {
	if clitest.IsProgram() {
		main() // it does not return
	}
	os.Exit(m.Run())
}

// execute runs the program, without a word on the known races of protoactor.
func execute(t *testing.T, signal os.Signal, args ...string) clitest.Outcome {
	t.Helper()
	ignoreKnownRaces(t)
	return clitest.Execute(t, signal, args...)
}

func ignoreKnownRaces(t *testing.T) {
	t.Helper()
	races, err := filepath.Abs("../../actors/rpc/testdata/races.txt")
	require.NoError(t, err)
	t.Setenv("GORACE", "suppressions="+races)
}

// requireEtcd skips the test where there is no etcd, but not in CI.
func requireEtcd(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("etcd"); err != nil {
		require.Empty(t, os.Getenv("ETCD"), "there is no etcd")
		t.Skip("skipped without etcd: apt-get install etcd-server")
	}
}

func TestTheWriteOfAnOwnerThatWasReplacedIsRefused(t *testing.T) {
	requireEtcd(t)
	got := execute(t, nil)
	assert.Equal(t, cli.StatusOK, got.Status)
	assert.Empty(t, got.Stderr)
	assert.Regexp(t, `^process (\d+) owns the account, with number (\d+): a deposit of 100 makes 100
it is frozen as it is about to deposit 1
process (\d+) owns the account, with number (\d+): a deposit of 20 makes 120
the first is thawed, and writes: refused: the account has another owner by now: number (\d+) after (\d+)
balance 120
$`, got.Stdout)
}

func TestSignalEndsTheStory(t *testing.T) {
	requireEtcd(t)
	got := execute(t, os.Interrupt)
	assert.Equal(t, cli.StatusInterrupted, got.Status)
	assert.Equal(t, "account: interrupted before the balance was known\n", got.Stderr)
}

func TestStoryThatCannotBeWrittenIsAnError(t *testing.T) {
	requireEtcd(t)
	ignoreKnownRaces(t)
	clitest.CheckUnwritable(t, command)
}

func TestHelp(t *testing.T) {
	assert.Equal(t, clitest.Outcome{Stdout: usage}, clitest.Execute(t, nil, "-help"))
}

func TestUnusableArguments(t *testing.T) {
	for want, arg := range map[string]string{
		"flag provided but not defined: -x":     "-x",
		"account takes no arguments; try -help": "more",
		"flag needs an argument: -member":       "-member",
		"flag provided but not defined: -?[2J?": "-\x1b[2J\a",
	} {
		t.Run(want, func(t *testing.T) {
			assert.Equal(t, clitest.Outcome{Status: cli.StatusUsage, Stderr: "account: " + want + "\n"}, clitest.Execute(t, nil, arg))
		})
	}
}

func TestWithoutAnEtcdTheProgramSaysHowToGetOne(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	got := execute(t, nil)
	assert.Equal(t, clitest.Outcome{
		Status: cli.StatusFailed, Stderr: "account: an etcd is needed, as by apt-get install etcd-server\n",
	}, got)
}
