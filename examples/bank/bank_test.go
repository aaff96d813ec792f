package main

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
			r, err := openForADay(t.Context(), newSystem(t), o)
			require.NoError(t, err)
			assert.Equal(t, o.transfers, r.done+r.tooPoor+r.frozen+r.closed)
			assert.Equal(t, r.want, o.accounts*opening+r.paidIn-r.paidOut)
			assert.Equal(t, r.want, r.sum)
		})
	}
}

func TestTransfersOfADayMeetEveryObstacle(t *testing.T) {
	r, err := openForADay(t.Context(), newSystem(t), options{accounts: 10, transfers: 2000, seed: 1})
	require.NoError(t, err)
	for what, n := range map[string]int{
		"done": r.done, "frozen": r.frozen, "closed": r.closed, "put back": r.putBack,
		"obeyed": r.obeyed, "disobeyed": r.messages - r.obeyed, "paid in": r.paidIn, "paid out": r.paidOut,
	} {
		assert.Positive(t, n, what)
	}
}

func TestAuditSeesMoneyThatWasMade(t *testing.T) {
	b, err := newBank(newSystem(t), options{accounts: 3})
	require.NoError(t, err)
	require.NoError(t, b.accounts[1].caller.CallDirect(func() { b.accounts[1].balance++ }))
	b.accounts[2].caller.Stop()

	sum, err := b.audit(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 3*opening+1, sum)
}

func TestExitStatusSaysWhetherTheSumIsWrong(t *testing.T) {
	var out bytes.Buffer
	assert.Equal(t, statusOK, result{want: 10, sum: 10}.print(&out))
	assert.Contains(t, out.String(), "sum        10, as it should be\n")
	out.Reset()
	assert.Equal(t, statusWrong, result{want: 10, sum: 11}.print(&out))
	assert.Contains(t, out.String(), "sum        11, WRONG: it should be 10\n")
}

func TestProgram(t *testing.T) {
	defer func() { require.NoError(t, leaks()) }()
	var stdout, stderr bytes.Buffer
	assert.Equal(t, statusOK, run([]string{"-accounts", "5", "-transfers", "100", "-seed", "7"}, &stdout, &stderr))
	assert.Contains(t, stdout.String(), "transfers  100 asked for, ")
	assert.Contains(t, stdout.String(), ", as it should be\n")
	assert.Empty(t, stderr.String())
}

func TestReportThatCannotBeWrittenIsAnError(t *testing.T) {
	reader, writer := io.Pipe()
	require.NoError(t, reader.Close())
	var stderr bytes.Buffer
	assert.Equal(t, statusWrong, run([]string{"-transfers", "0"}, writer, &stderr))
	assert.Equal(t, "bank: io: read/write on closed pipe\n", stderr.String())
}

func TestHelp(t *testing.T) {
	var stdout, stderr bytes.Buffer
	assert.Equal(t, statusOK, run([]string{"-help"}, &stdout, &stderr))
	assert.Equal(t, usage, stdout.String())
	assert.Empty(t, stderr.String())
}

func TestUnusableArguments(t *testing.T) {
	for want, args := range map[string][]string{
		"flag provided but not defined: -x":             {"-x"},
		`"more" is no flag; try -help`:                  {"more"},
		"-accounts 1: at least 2 are needed":            {"-accounts", "1"},
		"-transfers -1: must not be negative":           {"-transfers", "-1"},
		`invalid value "x" for flag -seed: parse error`: {"-seed", "x"},
	} {
		t.Run(want, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			assert.Equal(t, statusUsage, run(args, &stdout, &stderr))
			assert.Empty(t, stdout.String())
			assert.Equal(t, "bank: "+want+"\n", stderr.String())
		})
	}
}
