package main

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/clitest"
)

func openForADay(t *testing.T, o options) (result, error) {
	t.Helper()
	b, err := newBank(t.Context(), newSystem(t), o)
	require.NoError(t, err)
	return b.day(t.Context(), o.transfers)
}

func TestSumOfMoneyNeverChanges(t *testing.T) {
	for _, o := range []options{
		{accounts: 2, transfers: 0},
		{accounts: 2, transfers: 1},
		{accounts: 2, transfers: 500, seed: 1},
		{accounts: 3, transfers: 500, seed: 2},
		{accounts: 10, transfers: 1000, seed: 3},
		{accounts: 10, transfers: 1000, seed: 4},
		{accounts: 100, transfers: 2000, seed: 5},
	} {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
			r, err := openForADay(t, o)
			require.NoError(t, err)
			assert.Equal(t, o.transfers, r.done+r.tooPoor+r.frozen+r.closed)
			assert.Equal(t, r.want, o.accounts*opening+r.paidIn-r.paidOut)
			assert.Equal(t, r.want, r.sum)
		})
	}
}

func TestTransfersOfADayMeetEveryObstacle(t *testing.T) {
	r, err := openForADay(t, options{accounts: 10, transfers: 2000, seed: 1})
	require.NoError(t, err)
	for what, n := range map[string]int{
		"done": r.done, "frozen": r.frozen, "closed": r.closed, "put back": r.putBack,
		"obeyed": r.obeyed, "disobeyed": r.messages - r.obeyed, "paid in": r.paidIn, "paid out": r.paidOut,
	} {
		assert.Positive(t, n, what)
	}
}

func TestAuditSeesMoneyThatWasMade(t *testing.T) {
	b, err := newBank(t.Context(), newSystem(t), options{accounts: 3})
	require.NoError(t, err)
	require.NoError(t, b.accounts[1].caller.CallDirect(func() { b.accounts[1].balance++ }))
	b.accounts[2].caller.Stop()

	sum, err := b.audit(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 3*opening+1, sum)
}

func TestReportSaysWhetherTheSumIsWrong(t *testing.T) {
	assert.Contains(t, result{want: 10, sum: 10}.String(), "sum        10, as it should be\n")
	assert.Contains(t, result{want: 10, sum: 11}.String(), "sum        11, WRONG: it should be 10\n")
}

func TestInterruptCancelsWhatHasNotBegunAndLosesNoMoney(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	system := newSystem(t)
	b, err := newBank(ctx, system, options{accounts: 3})
	require.NoError(t, err)
	release := occupy(t, b.accounts[2])
	b.trade(ctx, 100)
	interrupt()
	b.trade(ctx, 100)
	release()

	r, err := b.settle(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 100, r.transfers)
	assert.Positive(t, r.interrupted)
	assert.Contains(t, r.String(), fmt.Sprintf("\ncancelled  %d, because of the interrupt\n", r.interrupted))
	sum, err := b.audit(t.Context())
	require.NoError(t, err)
	assert.Equal(t, r.want, sum)
}

func TestProgram(t *testing.T) {
	defer func() { require.NoError(t, leaks()) }()
	got := clitest.Execute(t, nil, "-accounts", "5", "-transfers", "100", "-seed", "7")
	assert.Equal(t, cli.StatusOK, got.Status)
	assert.Contains(t, got.Stdout, "accounts   5, with 1000 each\ntransfers  100 asked for, ")
	assert.Contains(t, got.Stdout, ", as it should be\n")
	assert.Empty(t, got.Stderr)
}

func TestSignalEndsTheDayWithAReport(t *testing.T) {
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			got := clitest.Execute(t, signal, "-transfers", "1000000000")
			assert.Equal(t, cli.StatusInterrupted, got.Status)
			assert.Equal(t, "bank: interrupted before all transfers were made\n", got.Stderr)
			assert.Contains(t, got.Stdout, ", as it should be\n")
		})
	}
}

func TestResultThatCannotBeWrittenIsAnError(t *testing.T) {
	for _, arg := range []string{"-transfers=10", "-help"} {
		t.Run(arg, func(t *testing.T) {
			clitest.CheckUnwritable(t, command, arg)
		})
	}
}

func TestHelp(t *testing.T) {
	assert.Equal(t, clitest.Outcome{Stdout: usage}, clitest.Execute(t, nil, "-help"))
}

func TestUnusableArguments(t *testing.T) {
	for want, args := range map[string][]string{
		"flag provided but not defined: -x":             {"-x"},
		"flag provided but not defined: -?[2J?":         {"-\x1b[2J\a"},
		`"more" is no flag; try -help`:                  {"more"},
		"-accounts 1: at least 2 are needed":            {"-accounts", "1"},
		"-transfers -1: must not be negative":           {"-transfers", "-1"},
		`invalid value "x" for flag -seed: parse error`: {"-seed", "x"},
	} {
		t.Run(want, func(t *testing.T) {
			assert.Equal(t, clitest.Outcome{Status: cli.StatusUsage, Stderr: "bank: " + want + "\n"}, clitest.Execute(t, nil, args...))
		})
	}
}
