#ifndef JDBX_PAGES_BINDING_H
#define JDBX_PAGES_BINDING_H

#include <node_api.h>

/* Adds the functions over pages.h to `exports`. */
void pages_define(napi_env env, napi_value exports);

#endif
