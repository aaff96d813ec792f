package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// ofAccountBy has a member call a function of an account.
func (h *healing) ofAccountBy(ctx context.Context, by int, account, function, argument string) *pending.Pending[string] {
	return rpc.Call[accountCall, string](ctx, h.system, h.at(by), "account", accountCall{account, function, argument})
}

// accountsOf returns accounts that live on a member.
func (h *healing) accountsOf(node, n int) (accounts []string) {
	for i := 0; len(accounts) < n; i++ {
		where, err := h.ofAccountBy(h.Context(), 1, fmt.Sprint(i), "where", "").Wait(h.Context())
		require.NoError(h, err)
		if where == h.listen[node] {
			accounts = append(accounts, fmt.Sprint(i))
		}
	}
	return accounts
}

// awaitFile waits until a file is there.
func (h *healing) awaitFile(name string) {
	require.Eventually(h, func() bool { _, err := os.Stat(name); return err == nil }, time.Minute, time.Millisecond)
}

// A frozen owner has others take over. When it goes on, its writes are refused, and its calls
// say why they have ended.
func TestTheWritesOfAFrozenOwnerAreRefused(t *testing.T) {
	alone(t, func(t *testing.T) {
		h := newHealing(t, listen(t))
		dir := t.TempDir()
		accounts := h.accountsOf(0, 2)
		late, held := accounts[0], accounts[1]
		_, err := h.ofAccountBy(t.Context(), 1, late, "put", "first").Wait(t.Context())
		require.NoError(t, err)
		file := filepath.Join(dir, "go on")
		writes := h.ofAccountBy(t.Context(), 1, late, "put late", file)
		waits := h.ofAccountBy(t.Context(), 1, held, "hold", filepath.Join(dir, "held"))
		h.awaitFile(file + ".begun")
		h.awaitFile(filepath.Join(dir, "held"))

		h.signal(0, syscall.SIGSTOP)
		frozen := time.Now()
		for { // until another member is the owner
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			where, err := h.ofAccountBy(ctx, 2, late, "put", "second").Wait(ctx)
			cancel()
			if err == nil {
				t.Logf("another member has taken over after %.1f s", time.Since(frozen).Seconds())
				assert.NotEqual(t, h.listen[0], where)
				break
			}
		}
		require.NoError(t, os.WriteFile(file, nil, 0o600))
		h.signal(0, syscall.SIGCONT)

		h.awaitFile(file + ".ended")
		text, err := os.ReadFile(file + ".ended")
		require.NoError(t, err)
		assert.Contains(t, string(text), errStale.Error())
		_, err = writes.Wait(t.Context())
		require.Error(t, err)
		_, err = waits.Wait(t.Context())
		require.True(t, errors.Is(err, rpc.ErrLeaseLost) || errors.Is(err, rpc.ErrExpelled), "it says why: %v", err)
		t.Log(err)
		h.heals(time.Now())
		value, err := h.ofAccountBy(t.Context(), 1, late, "get", "").Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "second", value)
	})
}
