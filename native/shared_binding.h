#ifndef JDBX_SHARED_BINDING_H
#define JDBX_SHARED_BINDING_H

#include <node_api.h>

/* Adds the functions over shared.h to `exports`. */
void shared_define(napi_env env, napi_value exports);

#endif
