package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

// errStale is the error of a write whose fence is older than the last one.
var errStale = errors.New("the write has an old fence")

// account is the state of an identity, which is in etcd as "fence value".
type account struct {
	key   string
	value string
}

// loadAccount writes the fence before it reads: what an earlier activation writes is either
// read, or refused.
func (m *healingMember) loadAccount(ctx context.Context, id string) (*account, error) {
	a := &account{key: "/accounts/" + id}
	fence, ok := rpc.Fence(ctx)
	if !ok {
		return nil, errors.New("there is no fence")
	}
	value, err := m.write(ctx, a.key, fence, nil)
	a.value = value
	return a, err
}

// write writes a value, or only the fence if it is nil, unless there is a larger fence. It
// returns the value that was there.
func (m *healingMember) write(ctx context.Context, key string, fence uint64, value *string) (was string, err error) {
	for {
		got, err := m.client.Get(ctx, key)
		if err != nil {
			return "", err
		}
		var last uint64
		revision := int64(0)
		for _, kv := range got.Kvs {
			number, rest, _ := strings.Cut(string(kv.Value), " ")
			last, _ = strconv.ParseUint(number, 10, 64)
			was, revision = rest, kv.ModRevision
		}
		if last > fence {
			return "", fmt.Errorf("%w: %d, after %d", errStale, fence, last)
		}
		next := was
		if value != nil {
			next = *value
		}
		done, err := m.client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(key), "=", revision)).
			Then(clientv3.OpPut(key, fmt.Sprintf("%d %s", fence, next))).Commit()
		if err != nil {
			return "", err
		}
		if done.Succeeded {
			return was, nil
		}
	}
}

func (m *healingMember) handleAccounts(system *actor.ActorSystem) error {
	return errors.Join(
		rpc.RegisterError(system, "test.stale", errStale),
		rpc.Handle(system, "put", func(ctx context.Context, value string) (string, error) {
			a, ok := rpc.State[*account](ctx)
			if !ok {
				return "", errors.New("there is no account")
			}
			fence, _ := rpc.Fence(ctx)
			if _, err := m.write(ctx, a.key, fence, &value); err != nil {
				return "", err
			}
			a.value = value
			return system.Address(), nil
		}),
		rpc.Handle(system, "get", func(ctx context.Context, _ string) (string, error) {
			a, ok := rpc.State[*account](ctx)
			if !ok {
				return "", errors.New("there is no account")
			}
			return a.value, nil
		}),
		rpc.Handle(system, "hold", func(ctx context.Context, file string) (string, error) {
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				return "", err
			}
			<-ctx.Done()
			return "", ctx.Err()
		}),
		// It writes when the file of that name exists, whatever its context says. So does a
		// function that is about to write when its process is frozen.
		rpc.Handle(system, "put late", func(ctx context.Context, file string) (string, error) {
			a, _ := rpc.State[*account](ctx)
			fence, _ := rpc.Fence(ctx)
			if err := os.WriteFile(file+".begun", nil, 0o600); err != nil {
				return "", err
			}
			for {
				if _, err := os.Stat(file); err == nil {
					break
				}
				time.Sleep(time.Millisecond)
			}
			late := "late"
			_, err := m.write(context.WithoutCancel(ctx), a.key, fence, &late)
			text := "accepted"
			if err != nil {
				text = err.Error()
			}
			// It is seen when all of it is there.
			written := os.WriteFile(file+".writing", []byte(text), 0o600)
			return text, errors.Join(err, written, os.Rename(file+".writing", file+".ended"))
		}),
	)
}
