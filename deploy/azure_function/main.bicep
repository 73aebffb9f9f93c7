// The function in a container on Azure Container Apps, with rights to no more than it needs:
// Storage Blob Data Reader on the logs, Contributor on the lake's container, and what the host needs
// on a storage account of its own.
//   az deployment group create --resource-group GROUP --template-file deploy/azure_function/main.bicep \
//     --parameters name=gateway-rca image=REGISTRY/gateway-rca-function:0.1.0 environmentId=ID \
//       logsAccountName=contosologs lakeAccountName=contosorca

@description('Name of the function app; lower-case letters, digits and hyphens.')
param name string

@description('The image of deploy/azure_function/Dockerfile.')
param image string

@description('Resource id of the Container Apps environment.')
param environmentId string

@description('Storage account that the diagnostic settings write to, in this resource group.')
param logsAccountName string

@description('Storage account of the lake, in this resource group.')
param lakeAccountName string

@description('Containers that are written to: the lake, and that of the reports.')
param writtenContainerNames array = ['lake', 'reports']

@description('When the job runs: six fields, UTC.')
param schedule string = '0 7 * * * *'

@description('When the weekly review is made: after the hour that the settings name.')
param reviewSchedule string = '0 20 6 * * MON'

@secure()
@description('URL of the webhook that gets a card for each report; empty if none.')
param webhookUrl string = ''

param location string = resourceGroup().location

var reader = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1')
var contributor = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'ba92f5b4-2d11-453d-a403-e96b0029c9fe')
var owner = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b')

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
}

resource logs 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: logsAccountName
}

resource lake 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: lakeAccountName
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' existing = {
  parent: lake
  name: 'default'
}

resource written 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = [
  for each in writtenContainerNames: {
    parent: blobs
    name: each
  }
]

resource readsLogs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(logs.id, identity.id, reader)
  scope: logs
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: reader
  }
}

resource writes 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (each, number) in writtenContainerNames: {
    name: guid(written[number].id, identity.id, contributor)
    scope: written[number]
    properties: {
      principalId: identity.properties.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: contributor
    }
  }
]

// Timers keep their locks and their last times here.
resource host 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: 'host${uniqueString(resourceGroup().id, name)}'
  location: location
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    minimumTlsVersion: 'TLS1_2'
  }
}

resource keepsTime 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(host.id, identity.id, owner)
  scope: host
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: owner
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  kind: 'functionapp,linux,container,azurecontainerapps'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  dependsOn: [readsLogs, writes, keepsTime]
  properties: {
    managedEnvironmentId: environmentId
    resourceConfig: { cpu: 1, memory: '2Gi' }
    siteConfig: {
      linuxFxVersion: 'DOCKER|${image}'
      acrUseManagedIdentityCreds: true
      acrUserManagedIdentityID: identity.properties.clientId
      // Timers need one that is always there, and no more.
      minimumElasticInstanceCount: 1
      functionAppScaleLimit: 1
      appSettings: [
        { name: 'FUNCTIONS_EXTENSION_VERSION', value: '~4' }
        { name: 'FUNCTIONS_WORKER_RUNTIME', value: 'python' }
        { name: 'AzureWebJobsStorage__accountName', value: host.name }
        { name: 'AzureWebJobsStorage__credential', value: 'managedidentity' }
        { name: 'AzureWebJobsStorage__clientId', value: identity.properties.clientId }
        { name: 'AZURE_CLIENT_ID', value: identity.properties.clientId }
        { name: 'GATEWAY_RCA_SCHEDULE', value: schedule }
        { name: 'GATEWAY_RCA_REVIEW_SCHEDULE', value: reviewSchedule }
        { name: 'GATEWAY_RCA_WEBHOOK_URL', value: webhookUrl }
      ]
    }
  }
}

output functionUrl string = 'https://${app.properties.defaultHostName}/api/incident'
output principalId string = identity.properties.principalId
