/*
 * notify - tells the service manager, if there is one.
 */
#ifndef ROLE_NOTIFY_H
#define ROLE_NOTIFY_H

void notify_ready(void);
void notify_stopping(void);

#endif
