package main

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

func TestAccountAnswersMessages(t *testing.T) {
	for name, tt := range map[string]struct {
		messages []any
		want     int
		err      error
	}{
		"balance":                  {[]any{balance{}}, 100, nil},
		"deposit":                  {[]any{deposit{5}}, 105, nil},
		"withdrawal":               {[]any{withdraw{100}}, 0, nil},
		"withdrawal of too much":   {[]any{withdraw{101}}, 0, errTooPoor},
		"deposit when frozen":      {[]any{freeze{}, deposit{5}}, 0, errFrozen},
		"withdrawal when frozen":   {[]any{freeze{}, withdraw{5}}, 0, errFrozen},
		"balance when frozen":      {[]any{deposit{5}, freeze{}, balance{}}, 105, nil},
		"balance after a refusal":  {[]any{withdraw{101}, balance{}}, 100, nil},
		"balance after everything": {[]any{withdraw{50}, deposit{7}, balance{}}, 57, nil},
	} {
		t.Run(name, func(t *testing.T) {
			a, _ := newPair(t)
			var answer *pending.Pending[int]
			for _, message := range tt.messages {
				answer = a.ask(t.Context(), message)
			}
			money, err := answer.Wait(t.Context())
			require.ErrorIs(t, err, tt.err)
			assert.Equal(t, tt.want, money)
		})
	}
}

func TestTransferMovesMoney(t *testing.T) {
	a, b := newPair(t)
	left, err := a.transfer(t.Context(), 30, b).Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 70, left)
	assert.Equal(t, 70, balanceOf(t, a))
	assert.Equal(t, 130, balanceOf(t, b))
}

func TestTransferOfTooMuchIsRefused(t *testing.T) {
	a, b := newPair(t)
	_, err := a.transfer(t.Context(), 101, b).Wait(t.Context())
	require.ErrorIs(t, err, errTooPoor)
	require.NotErrorIs(t, err, errPutBack)
	assert.Equal(t, 100, balanceOf(t, a))
	assert.Equal(t, 100, balanceOf(t, b))
}

func TestAccountIsNotBlockedByATransferThatWaits(t *testing.T) {
	a, b := newPair(t)
	release := occupy(t, b)
	first, second := a.transfer(t.Context(), 30, b), a.transfer(t.Context(), 20, b)

	assert.Equal(t, 50, balanceOf(t, a))
	money, err := a.ask(t.Context(), deposit{1}).Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 51, money)
	assert.False(t, first.IsDone() || second.IsDone())

	release()
	for _, transfer := range []*pending.Pending[int]{first, second} {
		_, err := transfer.Wait(t.Context())
		require.NoError(t, err)
	}
	assert.Equal(t, 150, balanceOf(t, b))
}

// Each account waits for the other one: this would be a deadlock if a wait
// kept the turn.
func TestTransfersBothWaysWaitForEachOther(t *testing.T) {
	a, b := newPair(t)
	var transfers []*pending.Pending[int]
	for range 100 {
		transfers = append(transfers, a.transfer(t.Context(), 1, b), b.transfer(t.Context(), 1, a))
	}
	for _, transfer := range transfers {
		_, err := transfer.Wait(t.Context())
		require.NoError(t, err)
	}
	assert.Equal(t, 100, balanceOf(t, a))
	assert.Equal(t, 100, balanceOf(t, b))
}

func TestMoneyIsPutBackWhenTheOtherAccountRefuses(t *testing.T) {
	nothing := func(context.Context, *account, *account) {}
	for name, tt := range map[string]struct {
		before, during func(ctx context.Context, a, b *account)
		err            error
	}{
		"because it is frozen": {
			before: func(ctx context.Context, _, b *account) { b.ask(ctx, freeze{}) },
			during: nothing,
			err:    errFrozen,
		},
		"because it is closed": {
			before: nothing,
			during: func(_ context.Context, _, b *account) { b.caller.Stop() },
			err:    pending.ErrStopped,
		},
		"even to an account that was frozen meanwhile": {
			before: func(ctx context.Context, _, b *account) { b.ask(ctx, freeze{}) },
			during: func(ctx context.Context, a, _ *account) { a.ask(ctx, freeze{}) },
			err:    errFrozen,
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := newPair(t)
			release := occupy(t, b)
			tt.before(t.Context(), a, b)
			transfer := a.transfer(t.Context(), 30, b)
			require.Equal(t, 70, balanceOf(t, a), "the money is on its way")
			tt.during(t.Context(), a, b)
			release()

			_, err := transfer.Wait(t.Context())
			require.ErrorIs(t, err, errPutBack)
			require.ErrorIs(t, err, tt.err)
			assert.Equal(t, 100, balanceOf(t, a))
		})
	}
}

func TestMoneyArrivesFromAnAccountThatIsClosedMeanwhile(t *testing.T) {
	a, b := newPair(t)
	release := occupy(t, b)
	transfer := a.transfer(t.Context(), 30, b)
	require.Equal(t, 70, balanceOf(t, a), "the money is on its way")
	a.caller.Stop()
	release()

	left, err := transfer.Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 70, left)
	assert.Equal(t, 130, balanceOf(t, b))
}

func TestCancelledTransferLosesNoMoney(t *testing.T) {
	for name, cancel := range map[string]func(transfer *pending.Pending[int], end context.CancelFunc){
		"by its context": func(_ *pending.Pending[int], end context.CancelFunc) { end() },
		"by its pending": func(transfer *pending.Pending[int], _ context.CancelFunc) { transfer.Cancel(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			a, b := newPair(t)
			release := occupy(t, b)
			ctx, end := context.WithCancel(t.Context())
			defer end()
			transfer := a.transfer(ctx, 30, b)
			require.Equal(t, 70, balanceOf(t, a), "the money is on its way")
			cancel(transfer, end)
			release()

			_, err := transfer.Wait(t.Context())
			require.ErrorIs(t, err, pending.ErrCancelled)
			assert.Equal(t, 200, balanceOf(t, a)+balanceOf(t, b))
		})
	}
}

func TestCancelThatRacesWithTheTransferLosesNoMoney(t *testing.T) {
	a, b := newPair(t)
	for range 1000 {
		transfer := a.transfer(t.Context(), 1, b)
		go transfer.Cancel(nil)
		b.transfer(t.Context(), 1, a)
		_, _ = transfer.Wait(t.Context())
	}
	require.NoError(t, actors.Shutdown(t.Context(), a.caller.System()))
	assert.Equal(t, 200, a.balance+b.balance)
}
