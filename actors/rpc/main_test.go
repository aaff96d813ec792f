package rpc_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain is also the main function of the other nodes of a test, which are
// processes of their own: see process_test.go.
func TestMain(m *testing.M) {
	if address := os.Getenv(nodeVariable); address == "member" {
		if err := runMember(os.Getenv(etcdNodeVariable)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	} else if address == "healing" {
		if err := runHealing(os.Getenv(etcdNodeVariable)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	} else if address != "" {
		runNode(address)
		return
	}
	if role := os.Getenv(roleVariable); role != "" {
		if err := runRole(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	if os.Getenv(etcdNodeVariable) != "" || flag.Lookup("test.bench").Value.String() != "" {
		os.Exit(m.Run()) // protoactor's provider for etcd never closes its client
	}
	goleak.VerifyTestMain(patient{m}, ofCluster()...)
}

// ofCluster are the goroutines that protoactor's cluster never ends.
func ofCluster() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreAnyFunction("github.com/asynkron/protoactor-go/cluster/clusterproviders/test.(*Provider).startTtlReport.func1"),
		goleak.IgnoreAnyFunction("github.com/asynkron/protoactor-go/cluster.(*Gossiper).StartGossiping.NewThrottle.func3.1"),
		goleak.IgnoreAnyFunction("github.com/asynkron/protoactor-go/cluster.NewGossipActor.NewThrottleWithLogger.func2.1"),
	}
}

// patient gives protoactor's remote time to end: it sleeps for two seconds where
// it could not connect, and nobody can wake it.
type patient struct{ *testing.M }

func (m patient) Run() int {
	code := m.M.Run()
	for range 10 {
		if goleak.Find(ofCluster()...) == nil {
			break
		}
	}
	return code
}
