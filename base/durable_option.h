// The option --durable of every program that writes.
#ifndef FLOWSTITCH_BASE_DURABLE_OPTION_H_
#define FLOWSTITCH_BASE_DURABLE_OPTION_H_

#include "base/durability.h"
#include "base/option_table.h"

namespace flowstitch {

void AddDurableOption(OptionTable* table, Durability* durable, const char* group);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_DURABLE_OPTION_H_
