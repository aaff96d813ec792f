// Package documents declares the names that the snippets of documents use.
package documents

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"iter"
	"log"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/cluster/identitylookup/disthash"
	"github.com/asynkron/protoactor-go/remote"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/etcdcluster"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/inspect"
	"github.com/seed-7fcaac1b/protocaller/telemetry/otlp"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

var (
	ctx     context.Context
	system  *actor.ActorSystem
	c       *actors.Caller
	counter *actors.Caller
	account *actors.Caller
	pid     *actor.PID
	n       int
	balance int
	p, page *pending.Pending[string]
	urls    []string
	closed  chan struct{}
	order   Order
	query   Query
	file    File
	target  rpc.Target
	message any
	jobs    iter.Seq[*pending.Pending[string]]

	policy supervision.Policy
	record supervision.Record

	provider cluster.ClusterProvider

	errTooLate error
	errSoldOut error

	t    *telemetry.Telemetry
	body func(context.Context) error

	certificate tls.Certificate
	authorities *x509.CertPool
)

// The functions of programs.
func fetch(context.Context) (string, error)

func fetcher(url string) func(context.Context) (string, error)

func linksOf(url string) func(context.Context) ([]string, error)

func save(context.Context) error

func writeLine(context.Context, string) error

func openSocket(id string) (props.Publication, error)

func newAccount() actor.Actor

func buy(context.Context, Order) (Receipt, error)

// Account has a balance.
type Account struct {
	balance int
	caller  *actors.Caller
}

// Receive handles a message.
func (a *Account) Receive(ctx actor.Context)

func (a *Account) deposit(amount int) func(context.Context) error

// Messages, arguments and results.
type (
	Transfer struct {
		To     *actor.PID
		Amount int
	}
	Deposit    struct{ Amount int }
	Accepted   struct{}
	Refused    struct{}
	GetBalance struct{}
	Balance    struct{ Amount int }
	Order      struct{ Item string }
	Receipt    struct{ Number int }
	Take       struct{ Item string }
	File       struct{ Path string }
	Sum        struct{ Hash []byte }
	Query      struct{ Text string }
	Line       struct{ Text string }
)

// Cart is the state of an identity.
type Cart struct{}

func loadCart(ctx context.Context, id string) (*Cart, error)

func saveCart(ctx context.Context, id string, cart *Cart) error

// Stock is a plain actor.
type Stock struct{ orders *actors.Caller }

func newClerk() actor.Actor

func newStock() actor.Actor

func (s *Stock) count(context.Context) (int, error)
