//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

var (
	errOldFence = errors.New("the account has another owner by now")
	errNoFence  = errors.New("the kind of the account needs rpc.SingleOwner")
)

// account is the state of an identity. Its record in etcd is the fence of the last write, a
// space, and the balance.
type account struct {
	client *clientv3.Client
	key    string
}

// load returns the account with an id. It writes the fence before it counts on the balance:
// what the owner before writes is either read here, or refused from now on.
func load(client *clientv3.Client) func(context.Context, string) (*account, error) {
	return func(ctx context.Context, id string) (*account, error) {
		a := &account{client: client, key: "/accounts/" + id}
		_, err := a.add(ctx, 0)
		return a, err
	}
}

// add adds to the balance, and returns the new one. One transaction has the balance, the
// fence, and the key of the call. So a call that is tried again, perhaps on the next owner,
// counts once.
func (a *account) add(ctx context.Context, amount int) (balance int, err error) {
	fence, ok := rpc.Fence(ctx)
	if !ok {
		return 0, errNoFence
	}
	key, tried := rpc.Key(ctx)
	done := a.key + "/done/" + key
	for {
		last, err := a.read(ctx, done)
		switch {
		case err != nil:
			return 0, err
		case last.fence > fence:
			return 0, fmt.Errorf("%w: number %d after %d", errOldFence, fence, last.fence)
		case tried && last.done:
			return last.balance, nil
		}
		balance = last.balance + amount
		writes := []clientv3.Op{clientv3.OpPut(a.key, fmt.Sprintf("%d %d", fence, balance))}
		if tried {
			writes = append(writes, clientv3.OpPut(done, ""))
		}
		unchanged := clientv3.Compare(clientv3.ModRevision(a.key), "=", last.revision)
		written, err := a.client.Txn(ctx).If(unchanged).Then(writes...).Commit()
		if err != nil {
			return 0, err
		}
		if written.Succeeded {
			return balance, nil
		}
	}
}

// record is what etcd has of an account.
type record struct {
	revision int64 // of etcd; 0 without a record
	fence    uint64
	balance  int
	done     bool // there is the key of the call
}

// read returns the record, and whether the key done is there, as of one moment.
func (a *account) read(ctx context.Context, done string) (r record, err error) {
	both, err := a.client.Txn(ctx).Then(clientv3.OpGet(a.key), clientv3.OpGet(done)).Commit()
	if err != nil {
		return r, err
	}
	got := both.Responses[0].GetResponseRange()
	r.done = both.Responses[1].GetResponseRange().Count > 0
	if len(got.Kvs) == 0 {
		return r, nil
	}
	fence, balance, _ := strings.Cut(string(got.Kvs[0].Value), " ")
	r.revision = got.Kvs[0].ModRevision
	if r.fence, err = strconv.ParseUint(fence, 10, 64); err != nil {
		return r, err
	}
	r.balance, err = strconv.Atoi(balance)
	return r, err
}

// receipt is what a deposit returns. It travels as JSON.
type receipt struct {
	Process int
	Fence   uint64
	Balance int
}

// deposit adds to the balance of the account that it is called on, after a while.
type deposit struct {
	Amount int
	After  time.Duration
}
