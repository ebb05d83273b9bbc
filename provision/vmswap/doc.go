// Package vmswap replaces, restores and removes whole VMs, as a transaction of renames in Lima's home.
//
// A VM of Lima's is its directory, and its name is that directory's name: nothing else in Lima knows either. Beside a
// VM called NAME there can be three others:
//
//	NAME.ws-tmp   staged: in the making, or on its way out; never needed again
//	NAME.ws-old   backup: replaced by NAME, or kept
//	NAME.ws-back  displaced: was NAME until a backup was to be restored
//
// The protocol of a replacement: create NAME.ws-tmp, and mark it as unverified; stop NAME; rename NAME to NAME.ws-old,
// and NAME.ws-tmp to NAME; complete and verify NAME; remove the mark, which commits; then remove NAME.ws-old or keep
// it. A restoration: rename NAME to NAME.ws-back, and NAME.ws-old to NAME; verify NAME; then remove NAME.ws-back, or
// rename it to NAME.ws-old.
//
// The rules are: every change of a name is one rename(2), so that at every moment each VM has exactly one of the names;
// what a killed run left is derived from the directories alone ([State]), and [State.Recovery] leads out of each
// state; nothing is renamed or removed that is not proven to be worldsetup's, whatever its name
// ([Place.Proof]); a VM becomes staged only after the one called NAME was verified, or never worked; and no VM is moved
// while a process of its is alive, whatever Lima reports of it.
package vmswap
