#include "transport/link/ledger_codec.h"

namespace flowstitch {

#define FLOWSTITCH_TO_WIRE(name, help) out->set_##name(ledger.name);
#define FLOWSTITCH_FROM_WIRE(name, help) ledger.name = in.name();

void ToWire(const SourceLedger& ledger, WireSourceLedger* out) {
  FLOWSTITCH_SOURCE_LEDGER(FLOWSTITCH_TO_WIRE)
}

void ToWire(const ReassemblyLedger& ledger,
            WireReassemblyLedger* out){FLOWSTITCH_REASSEMBLY_LEDGER(FLOWSTITCH_TO_WIRE)}

SourceLedger FromWire(const WireSourceLedger& in) {
  SourceLedger ledger;
  FLOWSTITCH_SOURCE_LEDGER(FLOWSTITCH_FROM_WIRE)
  return ledger;
}

ReassemblyLedger FromWire(const WireReassemblyLedger& in) {
  ReassemblyLedger ledger;
  FLOWSTITCH_REASSEMBLY_LEDGER(FLOWSTITCH_FROM_WIRE)
  return ledger;
}

#undef FLOWSTITCH_TO_WIRE
#undef FLOWSTITCH_FROM_WIRE

}  // namespace flowstitch
