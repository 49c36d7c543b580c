// OHIF as it stands below /pacs-viewer: this server's DICOMweb, and nothing else.
// https://docs.ohif.org/configuration/configurationFiles
window.config = {
  routerBasename: "/pacs-viewer",
  extensions: [],
  modes: [],
  customizationService: [{ "ohif.tours": { $set: [] } }],
  investigationalUseDialog: { option: "never" },
  showStudyList: true,
  showWarningMessageForCrossOrigin: false,
  showCPUFallbackMessage: true,
  showLoadingIndicator: true,
  strictZSpacingForVolumeViewport: true,
  maxNumberOfWebWorkers: 3,
  defaultDataSourceName: "dicomweb",
  dataSources: [
    {
      namespace: "@ohif/extension-default.dataSourcesModule.dicomweb",
      sourceName: "dicomweb",
      configuration: {
        friendlyName: "NeuroNova",
        name: "neuronova",
        wadoUriRoot: "/api/dicom-web",
        qidoRoot: "/api/dicom-web",
        wadoRoot: "/api/dicom-web",
        qidoSupportsIncludeField: true,
        supportsReject: false,
        supportsFuzzyMatching: false,
        supportsWildcard: true,
        dicomUploadEnabled: true,
        imageRendering: "wadors",
        thumbnailRendering: "wadors",
        enableStudyLazyLoad: true,
        omitQuotationForMultipartRequest: true,
        bulkDataURI: { enabled: true },
      },
    },
  ],
  // Who has no session (any more) signs in, and comes back to where they were.
  httpErrorHandler: (error) => {
    if (error.status === 401) {
      window.location.replace("/pacs-viewer/launch?back=" + encodeURIComponent(window.location.search));
    }
  },
};
