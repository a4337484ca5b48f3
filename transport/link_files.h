// The files of links: keys that are read again, sockets of ipc endpoints.
#ifndef FLOWSTITCH_TRANSPORT_LINK_FILES_H_
#define FLOWSTITCH_TRANSPORT_LINK_FILES_H_

#include <string>
#include <vector>

#include "base/process/file_rights.h"
#include "transport/link_security.h"

namespace flowstitch {

// What a process needs of files for its links while it runs. `endpoints` are as people write them;
// empty ones are none.
FileRights LinkFiles(const SecurityOptions& security, const std::vector<std::string>& endpoints);

// Removes the sockets that a process which is no more has left at ipc endpoints to be bound: one
// that is confined to its sandbox cannot. One at which somebody listens stays.
void RemoveStaleSockets(const std::vector<std::string>& endpoints);

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_FILES_H_
