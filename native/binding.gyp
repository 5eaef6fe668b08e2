{
  'targets': [
    {
      'target_name': 'jdbx',
      'sources': ['binding.c', 'arena.c', 'epoch.c', 'block.c', 'skiplist.c', 'skiplist_seek.c', 'skiplist_read.c',
                  'skiplist_pack.c', 'image.c', 'shared.c', 'shared_binding.c', 'pages.c', 'pages_binding.c'],
      'defines': ['NAPI_VERSION=8'],
      'cflags': ['-std=c11', '-O2', '-Wall', '-Wextra', '-fvisibility=hidden'],
      'xcode_settings': {'GCC_C_LANGUAGE_STANDARD': 'c11', 'GCC_OPTIMIZATION_LEVEL': '2'},
      'conditions': [['OS!="linux" and OS!="mac"', {'sources/': [['exclude', '.*']], 'type': 'none'}]]
    }
  ]
}
