// The C library's name services (nsswitch.conf(5)), loaded before a sandbox keeps them out.
#ifndef FLOWSTITCH_BASE_PROCESS_NAME_SERVICES_H_
#define FLOWSTITCH_BASE_PROCESS_NAME_SERVICES_H_

#include <string>
#include <string_view>
#include <vector>

namespace flowstitch {

// The services that a configuration names for hosts and users, each once: "dns", "myhostname" …
std::vector<std::string> ServicesNamedIn(std::string_view configuration);

// Loads those that this machine's configuration names: the C library would do so at the first
// question, when nothing may be loaded any more. What cannot be loaded is no service.
void LoadNameServices();

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_PROCESS_NAME_SERVICES_H_
