// The ledger on the wire: the same names in base/ledger.h and proto/ledger.proto, by construction.
#ifndef FLOWSTITCH_TRANSPORT_LINK_LEDGER_CODEC_H_
#define FLOWSTITCH_TRANSPORT_LINK_LEDGER_CODEC_H_

#include "base/ledger.h"
#include "proto/ledger.pb.h"

namespace flowstitch {

// In C++ the messages and the structs have the same name; on the wire side `Wire…` is said.
using WireSourceLedger = wire::SourceLedger;
using WireReassemblyLedger = wire::ReassemblyLedger;

void ToWire(const SourceLedger& ledger, WireSourceLedger* out);
void ToWire(const ReassemblyLedger& ledger, WireReassemblyLedger* out);
SourceLedger FromWire(const WireSourceLedger& in);
ReassemblyLedger FromWire(const WireReassemblyLedger& in);

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_LEDGER_CODEC_H_
