package rpc_test

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

const (
	effectsPrefix = "/effects/"
	keysPrefix    = "/keys/"
)

// handleEffect registers a function with an effect that happens once for each key
// of calls: it is stored together with the key, unless that is there.
func handleEffect(system *actor.ActorSystem, etcd string) error {
	store, err := clientv3.New(clientv3.Config{Endpoints: []string{etcd}, DialTimeout: 5 * time.Second})
	if err != nil {
		return err
	}
	return rpc.Handle(system, "effect", func(ctx context.Context, n int) (int, error) {
		key, ok := rpc.Key(ctx)
		if !ok {
			return 0, errors.New("the call has no key")
		}
		_, err := store.Txn(ctx).
			If(clientv3.Compare(clientv3.CreateRevision(keysPrefix+key), "=", 0)).
			Then(clientv3.OpPut(keysPrefix+key, ""), clientv3.OpPut(effectsPrefix+strconv.Itoa(n), "")).
			Commit()
		return 2*n + 1, err
	})
}
