// Package etcdowner keeps in etcd which node owns an identity, for [rpc.SingleOwner].
//
//	client, err := clientv3.New(clientv3.Config{Endpoints: []string{"127.0.0.1:2379"}})
//	owners := etcdowner.New(client, "/shop/owners")
//	remote, err := rpc.RemoteConfig(system, "10.0.0.7:0", rpc.SingleOwner(owners))
//
// A node has one lease of etcd. The record of an identity is a key with that lease, which
// exists while the identity has an owner. The fence is the revision of etcd at which the
// record was made. So an activation costs one transaction, its end another one, and a node
// one message for each third of its lease, however many identities it has.
//
// All of them need the quorum of etcd. Without it nothing is activated, and what is alive
// ends when the lease is over.
package etcdowner
